-- See the same migration of PostgreSQL, and migration 7 of how a constraint
-- changes in the schema's own text.

-- +goose Up
ALTER TABLE hour_ledger_entries ADD amount_refunded integer CHECK (coalesce(amount_refunded, 0) = 0 OR kind IN ('reversal', 'reinstatement'));
ALTER TABLE hour_ledger_entries ADD amount_disputed integer CHECK (coalesce(amount_disputed, 0) = 0 OR kind IN ('reversal', 'reinstatement'));
DROP TRIGGER hour_ledger_entries_no_update;
UPDATE hour_ledger_entries SET
        amount_disputed = CASE WHEN e.type LIKE 'charge.dispute.%' THEN -amount END,
        amount_refunded = CASE WHEN e.type LIKE 'charge.dispute.%' THEN NULL ELSE -amount END
    FROM webhook_events e
    WHERE e.id = event_id AND kind IN ('reversal', 'reinstatement') AND amount <> 0
        AND (kind = 'reversal' OR e.type NOT LIKE 'payment_intent.%');
UPDATE hour_ledger_entries SET amount_refunded = -amount
    WHERE kind = 'reversal' AND amount <> 0 AND amount_refunded IS NULL AND amount_disputed IS NULL;
-- +goose StatementBegin
CREATE TRIGGER hour_ledger_entries_no_update BEFORE UPDATE ON hour_ledger_entries
BEGIN
    SELECT RAISE(ABORT, 'hour_ledger_entries is append-only: UPDATE refused');
END;
-- +goose StatementEnd

PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql,
        'amount <= 0 AND (hours <> 0 OR amount <> 0)',
        'amount <= 0 AND (hours <> 0 OR amount <> 0 OR coalesce(amount_refunded, 0) <> 0)')
    WHERE type = 'table' AND name = 'hour_ledger_entries';
PRAGMA writable_schema = RESET;

-- PostgreSQL has one by blocks since migration 7.
CREATE INDEX hour_ledger_entries_by_time ON hour_ledger_entries (occurred_at);
