-- See the same migration of PostgreSQL.

-- +goose Up
CREATE TABLE database_owner (
    singleton      boolean PRIMARY KEY CHECK (singleton = 1),
    mode           text NOT NULL CHECK (mode IN ('live', 'test', 'sandbox')),
    stripe_account text, -- null until it is known
    created_at     datetime NOT NULL
);
INSERT INTO database_owner SELECT 1, 'live', NULL, min(received_at)
    FROM webhook_events WHERE livemode AND status = 'processed' HAVING count(*) > 0;
-- +goose StatementBegin
CREATE TRIGGER database_owner_stays BEFORE DELETE ON database_owner
BEGIN
    SELECT RAISE(ABORT, 'database_owner never changes: DELETE refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER database_owner_is_one BEFORE UPDATE ON database_owner
    WHEN NEW.mode <> OLD.mode OR OLD.stripe_account IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'database_owner never changes: UPDATE refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER database_owner_is_not_replaced BEFORE INSERT ON database_owner
    WHEN EXISTS (SELECT 1 FROM database_owner)
BEGIN
    SELECT RAISE(IGNORE); -- the first one stays, also before a REPLACE
END;
-- +goose StatementEnd

-- What test-stripe-webhook made was never meant to be sold.
UPDATE pricing_plans SET active = false WHERE id LIKE 'test~_%' ESCAPE '~' AND name LIKE 'Test: % hours';
