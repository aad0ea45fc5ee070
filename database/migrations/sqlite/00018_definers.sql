-- See the same migration of PostgreSQL.

-- +goose Up
DROP TRIGGER purchase_transactions_terms_stay;
-- +goose StatementBegin
CREATE TRIGGER purchase_transactions_terms_stay BEFORE UPDATE OF hours, amount, currency ON purchase_transactions
WHEN (NEW.hours IS NOT OLD.hours OR NEW.amount IS NOT OLD.amount OR NEW.currency IS NOT OLD.currency)
    AND EXISTS (SELECT 1 FROM hour_ledger_entries WHERE transaction_id = OLD.id AND kind = 'credit')
BEGIN
    SELECT RAISE(ABORT, 'the purchase is credited: other hours, amount or currency refused');
END;
-- +goose StatementEnd
