-- See the same migration of PostgreSQL. A colleague with the sqlite3 shell has
-- neither foreign keys nor recursive triggers on: what a REPLACE takes away
-- fires no trigger of deletion, so that it is refused by what it inserts, also
-- where it takes a row away by its rowid.

-- +goose Up
DROP TRIGGER purchase_transactions_stay;
-- +goose StatementBegin
CREATE TRIGGER purchase_transactions_stay BEFORE UPDATE OF id, student_id, rowid, _rowid_, oid ON purchase_transactions
BEGIN
    SELECT RAISE(ABORT, 'purchase_transactions keeps its rows, and whose they are: UPDATE refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER purchase_transactions_no_delete BEFORE DELETE ON purchase_transactions
BEGIN
    SELECT RAISE(ABORT, 'purchase_transactions keeps its rows, and whose they are: DELETE refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER purchase_transactions_no_replace BEFORE INSERT ON purchase_transactions
WHEN EXISTS (SELECT 1 FROM purchase_transactions WHERE rowid = NEW.rowid)
BEGIN
    SELECT RAISE(ABORT, 'purchase_transactions keeps its rows, and whose they are: REPLACE refused');
END;
-- +goose StatementEnd
-- A purchase that was here before is on the list of what is not completed, or
-- has a credit. (Looking for its id before the insert would refuse an
-- "ON CONFLICT DO NOTHING" too.)
DROP TRIGGER purchase_transactions_made;
-- +goose StatementBegin
CREATE TRIGGER purchase_transactions_made AFTER INSERT ON purchase_transactions
BEGIN
    SELECT RAISE(ABORT, 'purchase_transactions keeps its rows, and whose they are: REPLACE refused')
        WHERE EXISTS (SELECT 1 FROM purchases_not_completed WHERE id = NEW.id)
            OR EXISTS (SELECT 1 FROM hour_ledger_entries WHERE transaction_id = NEW.id AND kind = 'credit');
    INSERT INTO purchases_not_completed SELECT NEW.id, NEW.payment_status, NEW.created_at WHERE NEW.payment_status <> 'completed';
END;
-- +goose StatementEnd

-- The entry that moved the account last. Only here: PostgreSQL knows whether a
-- statement comes from a trigger.
ALTER TABLE student_account_balances ADD last_entry_id text;
UPDATE student_account_balances SET last_entry_id = l.id
    FROM (SELECT id, student_id FROM hour_ledger_entries ORDER BY rowid DESC LIMIT 1) l
    WHERE l.student_id = student_account_balances.student_id;
-- +goose StatementBegin
CREATE TRIGGER student_account_balances_stay BEFORE UPDATE OF student_id, rowid, _rowid_, oid ON student_account_balances
BEGIN
    SELECT RAISE(ABORT, 'student_account_balances keeps its rows, and whose they are: UPDATE refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER student_account_balances_no_delete BEFORE DELETE ON student_account_balances
BEGIN
    SELECT RAISE(ABORT, 'student_account_balances keeps its rows, and whose they are: DELETE refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER student_account_balances_no_replace BEFORE INSERT ON student_account_balances
WHEN EXISTS (SELECT 1 FROM student_account_balances WHERE rowid = NEW.rowid)
BEGIN
    SELECT RAISE(ABORT, 'student_account_balances keeps its rows, and whose they are: REPLACE refused');
END;
-- +goose StatementEnd
-- An account that is new has nothing, and nothing is its own yet.
-- +goose StatementBegin
CREATE TRIGGER student_account_balances_opened AFTER INSERT ON student_account_balances
WHEN NEW.hours_purchased <> 0 OR NEW.hours_granted <> 0 OR NEW.hours_reversed <> 0 OR NEW.hours_consumed <> 0 OR NEW.balance_amount <> 0
    OR NEW.last_entry_id IS NOT NULL
    OR EXISTS (SELECT 1 FROM hour_ledger_entries WHERE student_id = NEW.student_id)
    OR EXISTS (SELECT 1 FROM purchase_transactions WHERE student_id = NEW.student_id)
BEGIN
    SELECT RAISE(ABORT, 'student_account_balances moves with its ledger entries alone: INSERT of totals or REPLACE refused');
END;
-- +goose StatementEnd
-- An entry moves its account as it is inserted. So the last one of the ledger has
-- moved its account whenever a statement of a session's own comes, and none is
-- left that could.
-- +goose StatementBegin
CREATE TRIGGER student_account_balances_moved
AFTER UPDATE OF hours_purchased, hours_granted, hours_reversed, hours_consumed, balance_amount, last_entry_id ON student_account_balances
WHEN NEW.last_entry_id IS OLD.last_entry_id OR (SELECT id = NEW.last_entry_id AND student_id = NEW.student_id
    FROM hour_ledger_entries ORDER BY rowid DESC LIMIT 1) IS NOT 1
BEGIN
    SELECT RAISE(ABORT, 'student_account_balances moves with its ledger entries alone: UPDATE of totals refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER hour_ledger_entries_booked AFTER INSERT ON hour_ledger_entries
BEGIN
    UPDATE student_account_balances SET
        hours_purchased = hours_purchased + CASE WHEN NEW.kind IN ('credit', 'adjustment') THEN NEW.hours ELSE 0 END,
        hours_granted = hours_granted + CASE WHEN NEW.kind = 'grant' THEN NEW.hours ELSE 0 END,
        hours_reversed = hours_reversed - CASE WHEN NEW.kind IN ('reversal', 'reinstatement') THEN NEW.hours ELSE 0 END,
        hours_consumed = hours_consumed - CASE WHEN NEW.kind IN ('consumption', 'restoration') THEN NEW.hours ELSE 0 END,
        balance_amount = balance_amount + NEW.amount, updated_at = max(updated_at, NEW.created_at), last_entry_id = NEW.id
    WHERE student_id = NEW.student_id;
END;
-- +goose StatementEnd
DROP TRIGGER hour_ledger_entries_owner;
-- A merged purchase was credited and reversed, and says neither.
-- +goose StatementBegin
CREATE TRIGGER hour_ledger_entries_owner BEFORE INSERT ON hour_ledger_entries
WHEN CASE WHEN NEW.transaction_id IS NULL
    THEN (SELECT 1 FROM student_account_balances WHERE student_id = NEW.student_id)
    ELSE (SELECT student_id = NEW.student_id AND (NEW.kind <> 'credit' OR (hours = NEW.hours AND (hours_credited = NEW.hours OR merged_into IS NOT NULL)))
        FROM purchase_transactions WHERE id = NEW.transaction_id) END IS NOT 1
BEGIN
    SELECT RAISE(ABORT, 'CHECK constraint failed: ledger_owner, or ledger_credit');
END;
-- +goose StatementEnd
DROP TRIGGER hour_ledger_entries_no_replace;
-- +goose StatementBegin
CREATE TRIGGER hour_ledger_entries_no_replace BEFORE INSERT ON hour_ledger_entries
WHEN EXISTS (SELECT 1 FROM hour_ledger_entries WHERE id = NEW.id)
    OR EXISTS (SELECT 1 FROM hour_ledger_entries WHERE rowid = NEW.rowid)
    OR (NEW.kind = 'credit' AND EXISTS (SELECT 1 FROM hour_ledger_entries
        WHERE transaction_id = NEW.transaction_id AND kind = 'credit'))
    OR (NEW.reference IS NOT NULL AND EXISTS (SELECT 1 FROM hour_ledger_entries
        WHERE student_id = NEW.student_id AND kind = NEW.kind AND reference = NEW.reference))
BEGIN
    SELECT RAISE(ABORT, 'UNIQUE constraint failed: hour_ledger_entries');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_log_no_replace BEFORE INSERT ON audit_log
WHEN EXISTS (SELECT 1 FROM audit_log WHERE id = NEW.id OR rowid = NEW.rowid)
BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only: REPLACE refused');
END;
-- +goose StatementEnd
