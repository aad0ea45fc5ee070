-- Entries move their accounts themselves, so that no account can differ from
-- its ledger; a credit is of a purchase that is paid, and all its hours.

-- +goose Up
-- Once a statement, at its end: whatever else it did to purchases is seen. Rows
-- are looked up one by one or by an array, because a join might be planned as a
-- scan of the table. However the update is planned, it comes by the accounts in
-- the order of the index, and so takes its locks.
-- It runs as its owner: who may only insert entries can't move an account else.
-- +goose StatementBegin
CREATE FUNCTION book_entries() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    stray text;
    broken text;
BEGIN
    SELECT l.id, CASE WHEN l.student_id IS NOT DISTINCT FROM (SELECT p.student_id FROM purchase_transactions p WHERE p.id = l.transaction_id)
            THEN 'ledger_credit' ELSE 'ledger_owner' END INTO stray, broken
        FROM posted l WHERE CASE WHEN l.transaction_id IS NULL
            THEN (SELECT true FROM student_account_balances a WHERE a.student_id = l.student_id)
            ELSE (SELECT p.student_id = l.student_id AND (l.kind <> 'credit' OR (p.hours = l.hours
                -- A merged purchase was credited and reversed, and says neither.
                AND (p.hours_credited = l.hours OR p.merged_into IS NOT NULL))) FROM purchase_transactions p WHERE p.id = l.transaction_id)
            END IS NOT TRUE LIMIT 1;
    IF broken = 'ledger_owner' THEN
        RAISE EXCEPTION 'ledger entry % is of no such student or purchase', stray
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = broken;
    ELSIF broken = 'ledger_credit' THEN
        RAISE EXCEPTION 'ledger entry % credits other hours than its purchase has, or one that is not paid', stray
            USING ERRCODE = 'check_violation', CONSTRAINT = broken;
    END IF;
    UPDATE student_account_balances a SET
            hours_purchased = a.hours_purchased + m.purchased, hours_granted = a.hours_granted + m.granted,
            hours_reversed = a.hours_reversed + m.reversed, hours_consumed = a.hours_consumed + m.consumed,
            balance_amount = a.balance_amount + m.amount, updated_at = greatest(a.updated_at, m.at)
        FROM (SELECT student_id,
                sum(CASE WHEN kind IN ('credit', 'adjustment') THEN hours ELSE 0 END)::bigint AS purchased,
                sum(CASE WHEN kind = 'grant' THEN hours ELSE 0 END)::bigint AS granted,
                sum(CASE WHEN kind IN ('reversal', 'reinstatement') THEN -hours ELSE 0 END)::bigint AS reversed,
                sum(CASE WHEN kind IN ('consumption', 'restoration') THEN -hours ELSE 0 END)::bigint AS consumed,
                sum(amount)::bigint AS amount, max(created_at) AS at
            FROM posted GROUP BY student_id ORDER BY student_id) m
        WHERE a.student_id = m.student_id AND a.student_id = ANY (ARRAY(SELECT student_id FROM posted));
    RETURN NULL;
END $$;
DO $$ BEGIN
    -- So that a temporary table of that name is not taken for the account's.
    EXECUTE format('ALTER FUNCTION book_entries() SET search_path = %I, pg_temp', current_schema());
END $$;
-- +goose StatementEnd
DROP TRIGGER hour_ledger_entries_owner ON hour_ledger_entries;
DROP FUNCTION check_ledger_owner();
CREATE TRIGGER hour_ledger_entries_booked AFTER INSERT ON hour_ledger_entries
    REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION book_entries();

-- +goose StatementBegin
CREATE FUNCTION refuse_totals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'student_account_balances moves with its ledger entries alone: % of totals refused', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
-- +goose StatementEnd
-- Depth 0 is a statement of a session's own; entries move accounts from within a trigger.
CREATE TRIGGER student_account_balances_moved BEFORE UPDATE OF hours_purchased, hours_granted, hours_reversed, hours_consumed, balance_amount
    ON student_account_balances FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION refuse_totals();
CREATE TRIGGER student_account_balances_opened BEFORE INSERT ON student_account_balances FOR EACH ROW
    WHEN (NEW.hours_purchased <> 0 OR NEW.hours_granted <> 0 OR NEW.hours_reversed <> 0 OR NEW.hours_consumed <> 0 OR NEW.balance_amount <> 0)
    EXECUTE FUNCTION refuse_totals();
