-- Hours that expire, and hours that are held for a lesson.

-- +goose Up
ALTER TABLE hour_ledger_entries
    ADD lesson_at timestamptz, -- of a lesson that was booked or held for another time than now
    ADD lot_id text COLLATE "C", -- of an expiration: the purchase, or the grant's entry
    ADD expires_at timestamptz, -- of a grant: when what is left of it expires; null: never
    DROP CONSTRAINT ledger_kind_and_signs,
    DROP CONSTRAINT ledger_origin;
ALTER TABLE hour_ledger_entries
    ADD CONSTRAINT ledger_kind_and_signs CHECK (CASE kind
        WHEN 'credit'        THEN hours > 0 AND amount >= 0
        WHEN 'payment'       THEN hours = 0 AND amount <> 0
        WHEN 'reversal'      THEN hours <= 0 AND amount <= 0 AND (hours <> 0 OR amount <> 0 OR coalesce(amount_refunded, 0) <> 0)
        WHEN 'reinstatement' THEN hours >= 0 AND amount >= 0 AND (hours <> 0 OR amount <> 0)
        WHEN 'grant'         THEN hours > 0 AND amount = 0
        WHEN 'hold'          THEN hours < 0 AND amount = 0
        WHEN 'release'       THEN hours > 0 AND amount = 0
        WHEN 'consumption'   THEN hours < 0 AND amount = 0
        WHEN 'restoration'   THEN hours > 0 AND amount = 0
        WHEN 'expiration'    THEN hours <> 0 AND amount = 0
        WHEN 'adjustment'    THEN hours <> 0
        ELSE false END) NOT VALID,
    ADD CONSTRAINT ledger_origin CHECK (((kind IN ('credit', 'payment', 'reversal', 'reinstatement')) = (transaction_id IS NOT NULL) OR kind = 'expiration')
        AND (kind IN ('grant', 'hold', 'release', 'consumption', 'restoration', 'adjustment')) = (reference IS NOT NULL)
        AND (kind = 'expiration') = (lot_id IS NOT NULL)) NOT VALID;
ALTER TABLE hour_ledger_entries VALIDATE CONSTRAINT ledger_kind_and_signs, VALIDATE CONSTRAINT ledger_origin;
CREATE INDEX hour_ledger_entries_of_lots ON hour_ledger_entries (lot_id) WHERE kind = 'expiration';

DROP TRIGGER student_account_balances_overdrawn ON student_account_balances;
DROP TRIGGER student_account_balances_moved ON student_account_balances;
DROP TRIGGER student_account_balances_opened ON student_account_balances;
ALTER TABLE student_account_balances
    DROP hours_available,
    DROP overdrawn, -- and the index of it
    ADD hours_expired bigint NOT NULL DEFAULT 0 CHECK (hours_expired >= 0),
    ADD hours_held bigint NOT NULL DEFAULT 0 CHECK (hours_held >= 0),
    -- Whether hour_lots and the ledger's expirations follow from what is booked; null:
    -- none of the hours expire.
    ADD lots_settled boolean;
CREATE INDEX student_account_balances_unsettled ON student_account_balances (student_id) WHERE NOT lots_settled;
ALTER TABLE student_account_balances
    ADD hours_available bigint GENERATED ALWAYS AS (hours_purchased + hours_granted - hours_reversed - hours_consumed - hours_expired - hours_held) STORED,
    ADD overdrawn boolean GENERATED ALWAYS AS (hours_purchased + hours_granted - hours_reversed - hours_consumed - hours_expired - hours_held < 0) STORED;
CREATE INDEX student_account_balances_overdrawn_newest ON student_account_balances (created_at DESC, student_id DESC) WHERE overdrawn;
CREATE TRIGGER student_account_balances_overdrawn AFTER UPDATE ON student_account_balances FOR EACH ROW
    WHEN (OLD.overdrawn <> NEW.overdrawn OR (NEW.overdrawn AND NEW.hours_available < OLD.hours_available))
    EXECUTE FUNCTION follow_overdrawn();
CREATE TRIGGER student_account_balances_moved BEFORE UPDATE OF hours_purchased, hours_granted, hours_reversed, hours_consumed, hours_expired, hours_held, balance_amount
    ON student_account_balances FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION refuse_totals();
CREATE TRIGGER student_account_balances_opened BEFORE INSERT ON student_account_balances FOR EACH ROW
    WHEN (NEW.hours_purchased <> 0 OR NEW.hours_granted <> 0 OR NEW.hours_reversed <> 0 OR NEW.hours_consumed <> 0
        OR NEW.hours_expired <> 0 OR NEW.hours_held <> 0 OR NEW.balance_amount <> 0)
    EXECUTE FUNCTION refuse_totals();

-- As migration 11 made it, with two totals more. Lessons and holds are drawn from the
-- lots as they are booked; whatever else moves hours of an account that has some
-- leaves them to be settled anew, which costs no other account anything.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION book_entries() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    stray text;
    broken text;
BEGIN
    IF TG_RELID <> 'hour_ledger_entries'::regclass THEN
        RAISE EXCEPTION 'book_entries is of hour_ledger_entries alone' USING ERRCODE = 'restrict_violation';
    END IF;
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
            hours_expired = a.hours_expired + m.expired, hours_held = a.hours_held + m.held,
            balance_amount = a.balance_amount + m.amount, updated_at = greatest(a.updated_at, m.at),
            lots_settled = CASE WHEN a.lots_settled THEN NOT m.unsettles ELSE a.lots_settled END
        FROM (SELECT student_id,
                sum(CASE WHEN kind IN ('credit', 'adjustment') THEN hours ELSE 0 END)::bigint AS purchased,
                sum(CASE WHEN kind = 'grant' THEN hours ELSE 0 END)::bigint AS granted,
                sum(CASE WHEN kind IN ('reversal', 'reinstatement') THEN -hours ELSE 0 END)::bigint AS reversed,
                sum(CASE WHEN kind IN ('consumption', 'restoration') THEN -hours ELSE 0 END)::bigint AS consumed,
                sum(CASE WHEN kind = 'expiration' THEN -hours ELSE 0 END)::bigint AS expired,
                sum(CASE WHEN kind IN ('hold', 'release') THEN -hours ELSE 0 END)::bigint AS held,
                sum(amount)::bigint AS amount, max(created_at) AS at,
                bool_or(kind NOT IN ('consumption', 'hold', 'expiration', 'payment')) AS unsettles
            FROM posted GROUP BY student_id ORDER BY student_id) m
        WHERE a.student_id = m.student_id AND a.student_id = ANY (ARRAY(SELECT student_id FROM posted));
    RETURN NULL;
END $$;
DO $$ BEGIN
    -- So that a temporary table of that name is not taken for the account's.
    EXECUTE format('ALTER FUNCTION book_entries() SET search_path = %I, pg_temp', current_schema());
END $$;
-- +goose StatementEnd

-- What is left of the hours of accounts some of whose hours expire, by what they came
-- with: a purchase, or a grant's or adjustment's ledger entry. All of it follows from
-- these and the bookings.
CREATE TABLE hour_lots (
    id             text COLLATE "C" PRIMARY KEY,
    student_id     text COLLATE "C" NOT NULL,
    transaction_id text COLLATE "C",
    hours          bigint NOT NULL CHECK (hours >= 0), -- credited or given, and not reversed
    drawn          bigint NOT NULL CHECK (drawn >= 0), -- by lessons, holds and adjustments
    expired        bigint NOT NULL CHECK (expired >= 0), -- in the ledger
    came_at        timestamptz NOT NULL,
    expires_at     timestamptz, -- null: never
    CONSTRAINT lots_hold_what_was_taken CHECK (drawn + expired <= hours)
);
CREATE INDEX hour_lots_of_student ON hour_lots (student_id);
CREATE INDEX hour_lots_open ON hour_lots (expires_at) WHERE drawn + expired < hours;

-- From when on hours expire. On a database that sold some before they did, the
-- operator says so ("hourbank lots --expire-from"); null: not yet.
CREATE TABLE hour_expiry (
    singleton    boolean PRIMARY KEY CHECK (singleton),
    expires_from timestamptz
);
INSERT INTO hour_expiry SELECT true, CASE WHEN NOT EXISTS (SELECT FROM purchase_transactions WHERE expires_at IS NOT NULL) THEN timestamptz '2000-01-01 00:00:00+00' END;
UPDATE student_account_balances SET lots_settled = false
    WHERE student_id IN (SELECT student_id FROM purchase_transactions WHERE expires_at IS NOT NULL);

-- Whether a refund of what is unused gives expired hours back, too.
ALTER TABLE pricing_plans ADD refund_expired boolean NOT NULL DEFAULT false;
