-- See the same migration of PostgreSQL. These are triggers also where it has
-- constraints, which a session may switch off here ("PRAGMA
-- ignore_check_constraints").

-- +goose Up
-- +goose StatementBegin
CREATE TRIGGER hour_ledger_entries_bounds BEFORE INSERT ON hour_ledger_entries
WHEN (typeof(NEW.hours) = 'integer' AND typeof(NEW.amount) = 'integer'
    AND NEW.hours BETWEEN -1000000000000 AND 1000000000000 AND NEW.amount BETWEEN -1000000000000000 AND 1000000000000000
    AND CASE NEW.kind
        WHEN 'credit' THEN NEW.hours > 0 AND NEW.amount >= 0
        WHEN 'payment' THEN NEW.hours = 0
        WHEN 'reversal' THEN NEW.hours <= 0 AND NEW.amount <= 0
        WHEN 'reinstatement' THEN NEW.hours >= 0 AND NEW.amount >= 0
        WHEN 'consumption' THEN NEW.hours < 0 AND NEW.amount = 0
        WHEN 'restoration' THEN NEW.hours > 0 AND NEW.amount = 0
        WHEN 'grant' THEN NEW.hours > 0 AND NEW.amount = 0
        ELSE NEW.kind = 'adjustment' END) IS NOT 1
BEGIN
    SELECT RAISE(ABORT, 'CHECK constraint failed: ledger_bounds, or ledger_kind_and_signs');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER purchase_transactions_terms_stay BEFORE UPDATE OF hours, amount, currency ON purchase_transactions
WHEN OLD.hours_credited > 0 AND (NEW.hours IS NOT OLD.hours OR NEW.amount IS NOT OLD.amount OR NEW.currency IS NOT OLD.currency)
BEGIN
    SELECT RAISE(ABORT, 'the purchase is credited: other hours, amount or currency refused');
END;
-- +goose StatementEnd

-- Before an insert, NEW.rowid is -1 where none is given: a row that has it
-- would make every other one look like its replacement.
-- +goose StatementBegin
CREATE TRIGGER purchase_transactions_rowid AFTER INSERT ON purchase_transactions WHEN NEW.rowid < 1
BEGIN
    SELECT RAISE(ABORT, 'purchase_transactions: a rowid below 1 refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER student_account_balances_rowid AFTER INSERT ON student_account_balances WHEN NEW.rowid < 1
BEGIN
    SELECT RAISE(ABORT, 'student_account_balances: a rowid below 1 refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER hour_ledger_entries_rowid AFTER INSERT ON hour_ledger_entries WHEN NEW.rowid < 1
BEGIN
    SELECT RAISE(ABORT, 'hour_ledger_entries: a rowid below 1 refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_log_rowid AFTER INSERT ON audit_log WHEN NEW.rowid < 1
BEGIN
    SELECT RAISE(ABORT, 'audit_log: a rowid below 1 refused');
END;
-- +goose StatementEnd
