-- See the same migration of PostgreSQL.

-- +goose Up
ALTER TABLE scheduled_jobs ADD found bigint;
