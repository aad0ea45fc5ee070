-- Times that callers choose are such as JSON and every client can read.

-- +goose Up
ALTER TABLE hour_ledger_entries ADD CONSTRAINT ledger_times CHECK (
    lesson_at >= timestamptz '2000-01-01 00:00:00+00' AND lesson_at < timestamptz '2200-01-01 00:00:00+00'
    AND expires_at >= timestamptz '2000-01-01 00:00:00+00' AND expires_at < timestamptz '2200-01-01 00:00:00+00') NOT VALID; -- what is booked stays

UPDATE pricing_plans SET valid_days = 36500 WHERE valid_days > 36500;
ALTER TABLE pricing_plans ADD CONSTRAINT plans_live_a_century CHECK (valid_days <= 36500);
UPDATE purchase_transactions SET expires_at = timestamptz '2200-01-01 00:00:00+00' WHERE expires_at > timestamptz '2200-01-01 00:00:00+00';
UPDATE hour_lots SET expires_at = timestamptz '2200-01-01 00:00:00+00' WHERE expires_at > timestamptz '2200-01-01 00:00:00+00';
