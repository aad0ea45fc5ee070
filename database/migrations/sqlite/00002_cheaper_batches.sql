-- PostgreSQL's migration of this number makes batches cheaper. Here foreign
-- keys cost next to nothing and stay; the rule that it adds is added too.

-- +goose Up
-- +goose StatementBegin
CREATE TRIGGER hour_ledger_entries_owner BEFORE INSERT ON hour_ledger_entries
WHEN NEW.student_id <> (SELECT student_id FROM purchase_transactions WHERE id = NEW.transaction_id)
BEGIN
    SELECT RAISE(ABORT, 'FOREIGN KEY constraint failed: ledger_owner');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER purchase_transactions_stay BEFORE UPDATE OF id, student_id ON purchase_transactions
BEGIN
    SELECT RAISE(ABORT, 'purchase_transactions keeps its rows, and whose they are: UPDATE refused');
END;
-- +goose StatementEnd
