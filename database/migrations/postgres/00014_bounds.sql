-- What one row could break for everybody, or rewrite afterwards.

-- +goose Up
-- One entry beyond these, and no sum fits its column any more.
ALTER TABLE hour_ledger_entries ADD CONSTRAINT ledger_bounds
    CHECK (hours BETWEEN -1000000000000 AND 1000000000000 AND amount BETWEEN -1000000000000000 AND 1000000000000000) NOT VALID;
ALTER TABLE hour_ledger_entries VALIDATE CONSTRAINT ledger_bounds;

-- What was sold stays what was sold, once its hours are credited.
-- +goose StatementBegin
CREATE FUNCTION refuse_other_terms() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'purchase % is credited: other hours, amount or currency refused', OLD.id USING ERRCODE = 'restrict_violation';
END $$;
-- +goose StatementEnd
CREATE TRIGGER purchase_transactions_terms_stay BEFORE UPDATE OF hours, amount, currency ON purchase_transactions
    FOR EACH ROW WHEN (OLD.hours_credited > 0 AND (NEW.hours <> OLD.hours OR NEW.amount <> OLD.amount OR NEW.currency <> OLD.currency))
    EXECUTE FUNCTION refuse_other_terms();
