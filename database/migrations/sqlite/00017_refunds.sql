-- See the same migration of PostgreSQL.

-- +goose Up
ALTER TABLE refund_requests ADD COLUMN mac text NOT NULL DEFAULT ''; -- of the request; empty: made before there was one, and not asked again
