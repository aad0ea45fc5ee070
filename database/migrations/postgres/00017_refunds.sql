-- What Stripe is asked for is what staff asked for, and not what somebody wrote here.

-- +goose Up
ALTER TABLE refund_requests ADD COLUMN mac text NOT NULL DEFAULT ''; -- of the request; empty: made before there was one, and not asked again
