-- An account's totals can be set to what its ledger entries add up to, and to nothing
-- else: "hourbank rebuild" puts right what was altered behind the guards' back.

-- +goose Up
DROP TRIGGER student_account_balances_moved;
-- +goose StatementBegin
CREATE TRIGGER student_account_balances_moved
AFTER UPDATE OF hours_purchased, hours_granted, hours_reversed, hours_consumed, hours_expired, hours_held, balance_amount, last_entry_id ON student_account_balances
WHEN CASE WHEN NEW.last_entry_id IS NOT OLD.last_entry_id
    THEN (SELECT id = NEW.last_entry_id AND student_id = NEW.student_id FROM hour_ledger_entries ORDER BY rowid DESC LIMIT 1)
    ELSE (SELECT coalesce(sum(hours) FILTER (WHERE kind IN ('credit', 'adjustment')), 0) = NEW.hours_purchased
            AND coalesce(sum(hours) FILTER (WHERE kind = 'grant'), 0) = NEW.hours_granted
            AND coalesce(-sum(hours) FILTER (WHERE kind IN ('reversal', 'reinstatement')), 0) = NEW.hours_reversed
            AND coalesce(-sum(hours) FILTER (WHERE kind IN ('consumption', 'restoration')), 0) = NEW.hours_consumed
            AND coalesce(-sum(hours) FILTER (WHERE kind = 'expiration'), 0) = NEW.hours_expired
            AND coalesce(-sum(hours) FILTER (WHERE kind IN ('hold', 'release')), 0) = NEW.hours_held
            AND coalesce(sum(amount), 0) = NEW.balance_amount
        FROM hour_ledger_entries WHERE student_id = NEW.student_id)
    END IS NOT 1
BEGIN
    SELECT RAISE(ABORT, 'student_account_balances moves with its ledger entries alone: UPDATE of totals refused');
END;
-- +goose StatementEnd
