-- See the same migration of PostgreSQL.

-- +goose Up
ALTER TABLE scheduled_jobs ADD found bigint;

INSERT INTO older_programs (migration, oldest) VALUES (26, 25); -- it only adds a column that they do not ask for
