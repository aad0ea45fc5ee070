-- What a scheduled job counted when it last succeeded, which every replica shows:
-- the audit's differences.

-- +goose Up
ALTER TABLE scheduled_jobs ADD found bigint;
