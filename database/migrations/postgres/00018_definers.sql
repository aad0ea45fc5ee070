-- Trigger functions run for their own tables alone: nobody may hang one on a table of
-- their own, and no temporary table is taken for one of ours.

-- +goose Up
-- What was sold stays what was sold, once the ledger has a credit of it.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION refuse_other_terms() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM hour_ledger_entries WHERE transaction_id = OLD.id AND kind = 'credit') THEN
        RAISE EXCEPTION 'purchase % is credited: other hours, amount or currency refused', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
DROP TRIGGER purchase_transactions_terms_stay ON purchase_transactions;
CREATE TRIGGER purchase_transactions_terms_stay BEFORE UPDATE OF hours, amount, currency ON purchase_transactions
    FOR EACH ROW WHEN (NEW.hours <> OLD.hours OR NEW.amount <> OLD.amount OR NEW.currency <> OLD.currency)
    EXECUTE FUNCTION refuse_other_terms();

-- Whoever may execute a function may make a trigger of it; firing one takes no permission.
-- +goose StatementBegin
DO $$
DECLARE
    one regprocedure;
BEGIN
    FOR one IN SELECT oid FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND prorettype = 'trigger'::regtype
            AND pg_has_role(proowner, 'MEMBER') LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', one);
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', one, current_schema());
    END LOOP;
END $$;
-- +goose StatementEnd
