-- Times that callers choose are such as JSON and every client can read, and what runs as
-- the owner calls nothing of others.

-- +goose Up
ALTER TABLE hour_ledger_entries ADD CONSTRAINT ledger_times CHECK (
    lesson_at >= timestamptz '2000-01-01 00:00:00+00' AND lesson_at < timestamptz '2200-01-01 00:00:00+00'
    AND expires_at >= timestamptz '2000-01-01 00:00:00+00' AND expires_at < timestamptz '2200-01-01 00:00:00+00') NOT VALID; -- what is booked stays

UPDATE pricing_plans SET valid_days = 36500 WHERE valid_days > 36500;
ALTER TABLE pricing_plans ADD CONSTRAINT plans_live_a_century CHECK (valid_days <= 36500);
UPDATE purchase_transactions SET expires_at = timestamptz '2200-01-01 00:00:00+00' WHERE expires_at > timestamptz '2200-01-01 00:00:00+00';
UPDATE hour_lots SET expires_at = timestamptz '2200-01-01 00:00:00+00' WHERE expires_at > timestamptz '2200-01-01 00:00:00+00';

-- What runs as the owner calls PostgreSQL's own: one that is found by its arguments'
-- exact types would be taken before one of any types. (Nobody else may create any in
-- this schema: "hourbank migrate" refuses.)
-- +goose StatementBegin
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT pg_get_functiondef(oid) AS definition FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND prosecdef
            AND pg_has_role(proowner, 'MEMBER') LOOP
        EXECUTE replace(replace(one.definition, ' json_build_object(', ' pg_catalog.json_build_object('), ' / 100.0', ' OPERATOR(pg_catalog./) 100.0');
    END LOOP;
END $$;
-- +goose StatementEnd
