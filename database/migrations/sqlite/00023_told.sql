-- See the same migration of PostgreSQL.

-- +goose Up
CREATE INDEX event_deliveries_of_student ON event_deliveries (ordered_by, created_at DESC, id DESC);
