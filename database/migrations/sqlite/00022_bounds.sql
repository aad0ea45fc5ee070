-- See the same migration of PostgreSQL.

-- +goose Up
-- +goose StatementBegin
CREATE TRIGGER hour_ledger_entries_times BEFORE INSERT ON hour_ledger_entries
WHEN NEW.lesson_at < '2000-01-01 00:00:00+00:00' OR NEW.lesson_at >= '2200-01-01 00:00:00+00:00'
    OR NEW.expires_at < '2000-01-01 00:00:00+00:00' OR NEW.expires_at >= '2200-01-01 00:00:00+00:00'
BEGIN
    SELECT RAISE(ABORT, 'CHECK constraint failed: ledger_times');
END;
-- +goose StatementEnd

-- A year of five digits is text that sorts before others.
UPDATE pricing_plans SET valid_days = 36500 WHERE valid_days > 36500;
UPDATE purchase_transactions SET expires_at = '2200-01-01 00:00:00+00:00' WHERE expires_at > '2200' OR expires_at GLOB '[0-9][0-9][0-9][0-9][0-9]*';
UPDATE hour_lots SET expires_at = '2200-01-01 00:00:00+00:00' WHERE expires_at > '2200' OR expires_at GLOB '[0-9][0-9][0-9][0-9][0-9]*';
