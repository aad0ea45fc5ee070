-- What the platform was told of a student is found without looking through all of it.

-- +goose Up
CREATE INDEX event_deliveries_of_student ON event_deliveries (ordered_by, created_at DESC, id DESC);
