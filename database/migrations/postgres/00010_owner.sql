-- Whose money the database holds: one mode (live, test, sandbox) of one Stripe
-- account, for good. See services/owner.

-- +goose Up
CREATE TABLE database_owner (
    singleton      boolean PRIMARY KEY CHECK (singleton),
    mode           text NOT NULL CHECK (mode IN ('live', 'test', 'sandbox')),
    stripe_account text, -- null until it is known
    created_at     timestamptz NOT NULL
);
-- A database with live money in it is a live one. Whether test money was the
-- sandbox's, nobody can tell any more: the next event will say.
INSERT INTO database_owner SELECT true, 'live', NULL, min(received_at)
    FROM webhook_events WHERE livemode AND status = 'processed' HAVING count(*) > 0;
-- +goose StatementBegin
CREATE FUNCTION refuse_other_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'database_owner never changes: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
-- +goose StatementEnd
CREATE TRIGGER database_owner_stays BEFORE DELETE OR TRUNCATE ON database_owner
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_other_owner();
CREATE TRIGGER database_owner_is_one BEFORE UPDATE ON database_owner
    FOR EACH ROW WHEN (NEW.mode <> OLD.mode OR OLD.stripe_account IS NOT NULL) EXECUTE FUNCTION refuse_other_owner();

-- What test-stripe-webhook made was never meant to be sold.
UPDATE pricing_plans SET active = false WHERE id LIKE 'test~_%' ESCAPE '~' AND name LIKE 'Test: % hours';
