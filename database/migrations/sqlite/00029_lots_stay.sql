-- See the same migration of PostgreSQL.

-- +goose Up
-- +goose StatementBegin
CREATE TRIGGER student_account_balances_keep_lots BEFORE UPDATE OF lots_settled ON student_account_balances
WHEN OLD.lots_settled IS NOT NULL AND NEW.lots_settled IS NULL
BEGIN
    SELECT RAISE(ABORT, 'an account that has lots keeps them: UPDATE refused');
END;
-- +goose StatementEnd

INSERT INTO older_programs (migration, oldest) VALUES (29, 25);
