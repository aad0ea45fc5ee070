-- See the same migration of PostgreSQL. SQLite has one writer, and what changes its
-- schema may be undone: who forgets a student takes the guards away and puts them
-- back in one transaction. See database/forget.go.

-- +goose Up
ALTER TABLE webhook_events ADD payload_sha256 text;
