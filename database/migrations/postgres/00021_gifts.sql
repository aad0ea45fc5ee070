-- A purchase whose hours another student gets than the one who buys.

-- +goose Up
-- Null: the buyer's account has the hours. Else the beneficiary's has them, and all
-- ledger entries of the purchase.
ALTER TABLE purchase_transactions
    ADD beneficiary_id text COLLATE "C" REFERENCES student_account_balances (student_id) DEFERRABLE,
    ADD CONSTRAINT purchase_gift_is_for_another CHECK (beneficiary_id <> student_id);
CREATE INDEX purchase_transactions_of_beneficiary ON purchase_transactions (beneficiary_id, created_at DESC, id DESC) WHERE beneficiary_id IS NOT NULL;

-- +goose StatementBegin
DO $$ BEGIN
    -- As they are, but for whose account it is; replaced, they keep owner and permissions.
    EXECUTE replace(pg_get_functiondef('book_entries()'::regprocedure), 'p.student_id', 'coalesce(p.beneficiary_id, p.student_id)');
    EXECUTE replace(pg_get_functiondef('announce_entries()'::regprocedure), 'WHERE student_id = m.student_id AND completed_at',
        'WHERE (student_id = m.student_id AND beneficiary_id IS NULL OR beneficiary_id = m.student_id) AND completed_at');
END $$;
-- Whoever forgets a student gives the place that was theirs to the pseudonym, be it the
-- buyer's or the beneficiary's, and nothing else; accounts have the one place alone.
CREATE OR REPLACE FUNCTION refuse_other_student() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    personal text[] := '{metadata,evidence,stripe_customer_id,hours_available,overdrawn}';
BEGIN
    IF is_forgetting(to_jsonb(OLD), to_jsonb(NEW), 'student_id', personal) OR (to_jsonb(OLD) ->> 'beneficiary_id' IS NOT NULL
            AND is_forgetting(to_jsonb(OLD), to_jsonb(NEW), 'beneficiary_id', personal)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% keeps its rows, and whose they are: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
DO $$ BEGIN
    EXECUTE format('ALTER FUNCTION refuse_other_student() SET search_path = %I, pg_temp', current_schema());
END $$;
-- +goose StatementEnd
DROP TRIGGER purchase_transactions_same_student ON purchase_transactions;
CREATE TRIGGER purchase_transactions_same_student BEFORE UPDATE OF id, student_id, beneficiary_id ON purchase_transactions
    FOR EACH ROW EXECUTE FUNCTION refuse_other_student();
