-- See the same migration of PostgreSQL.

-- +goose Up
ALTER TABLE purchase_transactions ADD beneficiary_id text REFERENCES student_account_balances
    CONSTRAINT purchase_gift_is_for_another CHECK (beneficiary_id <> student_id);
CREATE INDEX purchase_transactions_of_beneficiary ON purchase_transactions (beneficiary_id, created_at DESC, id DESC) WHERE beneficiary_id IS NOT NULL;
DROP TRIGGER purchase_transactions_stay;
-- +goose StatementBegin
CREATE TRIGGER purchase_transactions_stay BEFORE UPDATE OF id, student_id, beneficiary_id, rowid, _rowid_, oid ON purchase_transactions
BEGIN
    SELECT RAISE(ABORT, 'purchase_transactions keeps its rows, and whose they are: UPDATE refused');
END;
-- +goose StatementEnd
DROP TRIGGER hour_ledger_entries_owner;
-- +goose StatementBegin
CREATE TRIGGER hour_ledger_entries_owner BEFORE INSERT ON hour_ledger_entries
WHEN CASE WHEN NEW.transaction_id IS NULL
    THEN (SELECT 1 FROM student_account_balances WHERE student_id = NEW.student_id)
    ELSE (SELECT coalesce(beneficiary_id, student_id) = NEW.student_id AND (NEW.kind <> 'credit' OR (hours = NEW.hours AND (hours_credited = NEW.hours OR merged_into IS NOT NULL)))
        FROM purchase_transactions WHERE id = NEW.transaction_id) END IS NOT 1
BEGIN
    SELECT RAISE(ABORT, 'CHECK constraint failed: ledger_owner, or ledger_credit');
END;
-- +goose StatementEnd
DROP TRIGGER student_account_balances_opened;
-- +goose StatementBegin
CREATE TRIGGER student_account_balances_opened AFTER INSERT ON student_account_balances
WHEN NEW.hours_purchased <> 0 OR NEW.hours_granted <> 0 OR NEW.hours_reversed <> 0 OR NEW.hours_consumed <> 0
    OR NEW.hours_expired <> 0 OR NEW.hours_held <> 0 OR NEW.balance_amount <> 0
    OR NEW.last_entry_id IS NOT NULL
    OR EXISTS (SELECT 1 FROM hour_ledger_entries WHERE student_id = NEW.student_id)
    OR EXISTS (SELECT 1 FROM purchase_transactions WHERE student_id = NEW.student_id OR beneficiary_id = NEW.student_id)
BEGIN
    SELECT RAISE(ABORT, 'student_account_balances moves with its ledger entries alone: INSERT of totals or REPLACE refused');
END;
-- +goose StatementEnd

-- Hours that run low are of the newest purchase whose hours the account has.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'WHERE student_id = NEW.student_id AND completed_at',
        'WHERE (student_id = NEW.student_id AND beneficiary_id IS NULL OR beneficiary_id = NEW.student_id) AND completed_at')
    WHERE type = 'trigger' AND name = 'hour_ledger_entries_announced';
PRAGMA writable_schema = RESET;
