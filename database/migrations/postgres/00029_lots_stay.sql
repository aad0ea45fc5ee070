-- An account that has lots keeps having them: without, nothing of it would expire, and no
-- entry would say so.

-- +goose Up
SET LOCAL lock_timeout = '2s';
-- +goose StatementBegin
CREATE FUNCTION keep_lots() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an account that has lots keeps them: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
DO $$ BEGIN
    EXECUTE format('ALTER FUNCTION keep_lots() SET search_path = %I, pg_temp', current_schema());
    REVOKE EXECUTE ON FUNCTION keep_lots() FROM PUBLIC;
END $$;
-- +goose StatementEnd
CREATE TRIGGER student_account_balances_keep_lots BEFORE UPDATE OF lots_settled ON student_account_balances
    FOR EACH ROW WHEN (OLD.lots_settled IS NOT NULL AND NEW.lots_settled IS NULL) EXECUTE FUNCTION keep_lots();

INSERT INTO older_programs (migration, oldest) VALUES (29, 25);
