-- What people do leaves their name; hours may be granted without a purchase;
-- entries know when it happened at Stripe; refunds are known from the moment
-- that they are asked for.

-- +goose Up
DROP TRIGGER student_account_balances_overdrawn ON student_account_balances;
ALTER TABLE student_account_balances
    DROP hours_available,
    DROP overdrawn,
    ALTER currency DROP NOT NULL, -- null until the first purchase
    ADD hours_granted bigint NOT NULL DEFAULT 0 CHECK (hours_granted >= 0);
ALTER TABLE student_account_balances
    ADD hours_available bigint GENERATED ALWAYS AS (hours_purchased + hours_granted - hours_reversed - hours_consumed) STORED,
    ADD overdrawn boolean GENERATED ALWAYS AS (hours_purchased + hours_granted - hours_reversed - hours_consumed < 0) STORED;
CREATE TRIGGER student_account_balances_overdrawn AFTER UPDATE ON student_account_balances FOR EACH ROW
    WHEN (OLD.overdrawn <> NEW.overdrawn OR (NEW.overdrawn AND NEW.hours_available < OLD.hours_available))
    EXECUTE FUNCTION follow_overdrawn();

ALTER TABLE hour_ledger_entries
    ALTER currency DROP NOT NULL, -- null on an account that has none yet
    ADD actor text,               -- the key of whoever booked it; null: Stripe's word
    ADD occurred_at timestamptz,
    DROP CONSTRAINT ledger_kind_and_signs,
    DROP CONSTRAINT ledger_origin;
ALTER TABLE hour_ledger_entries DISABLE TRIGGER hour_ledger_entries_append_only;
UPDATE hour_ledger_entries SET occurred_at = created_at;
ALTER TABLE hour_ledger_entries ENABLE TRIGGER hour_ledger_entries_append_only;
ALTER TABLE hour_ledger_entries
    ALTER occurred_at SET NOT NULL,
    ALTER occurred_at SET DEFAULT now(),
    ADD CONSTRAINT ledger_kind_and_signs CHECK (CASE kind
        WHEN 'credit'        THEN hours > 0 AND amount >= 0
        WHEN 'payment'       THEN hours = 0 AND amount <> 0
        WHEN 'reversal'      THEN hours <= 0 AND amount <= 0 AND (hours <> 0 OR amount <> 0)
        WHEN 'reinstatement' THEN hours >= 0 AND amount >= 0 AND (hours <> 0 OR amount <> 0)
        WHEN 'grant'         THEN hours > 0 AND amount = 0
        WHEN 'consumption'   THEN hours < 0 AND amount = 0
        WHEN 'restoration'   THEN hours > 0 AND amount = 0
        WHEN 'adjustment'    THEN hours <> 0
        ELSE false END),
    ADD CONSTRAINT ledger_origin CHECK ((kind IN ('credit', 'payment', 'reversal', 'reinstatement')) = (transaction_id IS NOT NULL)
        AND (kind IN ('grant', 'consumption', 'restoration', 'adjustment')) = (reference IS NOT NULL)),
    ADD CONSTRAINT ledger_money_has_currency CHECK (amount = 0 OR currency IS NOT NULL);
-- Entries lie in about the order in which they happened: what a month needs is
-- found without an index that every insert would pay for.
CREATE INDEX hour_ledger_entries_by_time ON hour_ledger_entries USING brin (occurred_at) WITH (pages_per_range = 32);

-- Refunds that staff asked Stripe for: kept before it is asked, so that nobody
-- asks for the same money twice, whatever dies in between.
CREATE TABLE refund_requests (
    id             text COLLATE "C" PRIMARY KEY, -- Stripe's idempotency key for it
    transaction_id text COLLATE "C" NOT NULL REFERENCES purchase_transactions,
    payment        text COLLATE "C" NOT NULL,    -- the PaymentIntent or charge
    amount         bigint NOT NULL CHECK (amount > 0),
    currency       text NOT NULL,
    reason         text NOT NULL,
    actor          text NOT NULL,
    refund_id      text COLLATE "C",             -- Stripe's answer; null: none yet
    status         text NOT NULL,                -- asked, refused, or as Stripe answered
    message        text,                         -- why Stripe refused
    requested_at   timestamptz NOT NULL,
    answered_at    timestamptz
);
CREATE INDEX refund_requests_of_purchase ON refund_requests (transaction_id);
CREATE INDEX refund_requests_unanswered ON refund_requests (requested_at) WHERE status = 'asked';

-- What people did, by the name of their key.
CREATE TABLE audit_log (
    id         text COLLATE "C" PRIMARY KEY, -- in the order of time
    actor      text NOT NULL,
    action     text NOT NULL,
    subject    text COLLATE "C" NOT NULL,    -- the id of what it was done to
    note       text,
    created_at timestamptz NOT NULL
);
CREATE INDEX audit_log_newest ON audit_log (created_at DESC, id DESC);
-- +goose StatementBegin
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_log is append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
