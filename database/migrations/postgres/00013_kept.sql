-- What is kept of people: payloads without what nobody needs, verifiable by a
-- hash of what was signed, and one way past the guards, to forget a student.

-- +goose Up
-- payload is empty where nothing of it is kept any more.
ALTER TABLE webhook_events ADD payload_sha256 text; -- hex, of the bytes that Stripe signed; null: not known

-- A student is forgotten by giving their rows to a pseudonym. A transaction that
-- means to says so in hourbank.forgotten_as, which ends with it, and may then
-- write that very pseudonym, and take away what tells of the person; nothing else
-- of a row may differ. Roles still need the permission to update.
-- +goose StatementBegin
CREATE FUNCTION is_forgetting(was jsonb, becomes jsonb, whose text, personal text[]) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(current_setting('hourbank.forgotten_as', true) LIKE 'forgotten\_%'
        AND becomes ->> whose = current_setting('hourbank.forgotten_as', true)
        AND was - whose - personal = becomes - whose - personal, false)
$$;
CREATE OR REPLACE FUNCTION refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND is_forgetting(to_jsonb(OLD), to_jsonb(NEW), 'student_id', '{reference,reason}') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'hour_ledger_entries is append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
-- What is generated follows from the rest, and is not known yet before an update.
CREATE FUNCTION refuse_other_student() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF is_forgetting(to_jsonb(OLD), to_jsonb(NEW), 'student_id', '{metadata,evidence,stripe_customer_id,hours_available,overdrawn}') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% keeps its rows, and whose they are: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
-- An entry of the log is about a student, or about something of theirs, whose id
-- stays. Only its note, and a student's id, can go.
CREATE FUNCTION refuse_audit_rewrite() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('hourbank.forgotten_as', true) LIKE 'forgotten\_%'
            AND NEW.subject IN (OLD.subject, current_setting('hourbank.forgotten_as', true))
            AND NEW.note IS NULL AND to_jsonb(OLD) - '{subject,note}'::text[] = to_jsonb(NEW) - '{subject,note}'::text[], false) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'audit_log is append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
-- +goose StatementEnd
DROP TRIGGER audit_log_append_only ON audit_log;
CREATE TRIGGER audit_log_append_only BEFORE DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log FOR EACH ROW EXECUTE FUNCTION refuse_audit_rewrite();
DROP TRIGGER purchase_transactions_stay ON purchase_transactions;
CREATE TRIGGER purchase_transactions_stay BEFORE DELETE OR TRUNCATE ON purchase_transactions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_owner_change();
CREATE TRIGGER purchase_transactions_same_student BEFORE UPDATE OF id, student_id ON purchase_transactions
    FOR EACH ROW EXECUTE FUNCTION refuse_other_student();
DROP TRIGGER student_account_balances_stay ON student_account_balances;
CREATE TRIGGER student_account_balances_stay BEFORE DELETE OR TRUNCATE ON student_account_balances
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_owner_change();
CREATE TRIGGER student_account_balances_same_student BEFORE UPDATE OF student_id ON student_account_balances
    FOR EACH ROW EXECUTE FUNCTION refuse_other_student();
-- An account and its purchases change hands in one transaction.
ALTER TABLE purchase_transactions ALTER CONSTRAINT purchase_transactions_student_id_fkey DEFERRABLE;
