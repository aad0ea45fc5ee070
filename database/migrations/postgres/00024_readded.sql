-- An account's totals can be set to what its ledger entries add up to, and to nothing
-- else: "hourbank rebuild" puts right what was altered behind the guards' back.

-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION check_totals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT coalesce(sum(hours) FILTER (WHERE kind IN ('credit', 'adjustment')), 0) = NEW.hours_purchased
            AND coalesce(sum(hours) FILTER (WHERE kind = 'grant'), 0) = NEW.hours_granted
            AND coalesce(-sum(hours) FILTER (WHERE kind IN ('reversal', 'reinstatement')), 0) = NEW.hours_reversed
            AND coalesce(-sum(hours) FILTER (WHERE kind IN ('consumption', 'restoration')), 0) = NEW.hours_consumed
            AND coalesce(-sum(hours) FILTER (WHERE kind = 'expiration'), 0) = NEW.hours_expired
            AND coalesce(-sum(hours) FILTER (WHERE kind IN ('hold', 'release')), 0) = NEW.hours_held
            AND coalesce(sum(amount), 0) = NEW.balance_amount
        FROM hour_ledger_entries WHERE student_id = NEW.student_id) IS NOT TRUE THEN
        RAISE EXCEPTION 'student_account_balances moves with its ledger entries alone: % of totals refused', TG_OP
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
DO $$ BEGIN
    -- So that no temporary table is taken for the ledger.
    EXECUTE format('ALTER FUNCTION check_totals() SET search_path = %I, pg_temp', current_schema());
    REVOKE EXECUTE ON FUNCTION check_totals() FROM PUBLIC;
END $$;
-- +goose StatementEnd
DROP TRIGGER student_account_balances_moved ON student_account_balances;
CREATE TRIGGER student_account_balances_moved AFTER UPDATE OF hours_purchased, hours_granted, hours_reversed, hours_consumed, hours_expired, hours_held, balance_amount
    ON student_account_balances FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION check_totals();
