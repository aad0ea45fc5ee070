-- A refund that was asked for as hours takes those hours, also where its invoice was for
-- something else, too.

-- +goose Up
SET LOCAL lock_timeout = '2s';
ALTER TABLE refund_requests ADD COLUMN for_hours boolean NOT NULL DEFAULT false;

INSERT INTO older_programs (migration, oldest) VALUES (28, 25); -- their refunds count by the hours' share, as before
