-- Money by payment: a purchase is found by every id of Stripe's that was seen
-- to belong to it, keeps its evidence by Stripe's objects, and may be paid by
-- any number of payments. The next migration turns today's rows into that.
-- Replicas of an older program can't run beside this schema.

-- +goose Up
CREATE TABLE purchase_keys (
    key         text COLLATE "C" PRIMARY KEY CHECK (length(key) BETWEEN 1 AND 255), -- Stripe's id
    purchase_id text COLLATE "C" NOT NULL
);

ALTER TABLE purchase_transactions
    ADD amount_due bigint NOT NULL DEFAULT 0 CHECK (amount_due >= 0),
    ADD origin smallint NOT NULL DEFAULT 0 CHECK (origin BETWEEN 0 AND 4),
    ADD merged_into text COLLATE "C",
    DROP CONSTRAINT purchase_transactions_stripe_payment_intent_id_key,
    DROP CONSTRAINT purchase_transactions_stripe_checkout_session_id_key,
    DROP CONSTRAINT purchase_transactions_stripe_invoice_id_key,
    DROP CONSTRAINT purchase_money_out,
    DROP CONSTRAINT purchase_credited_when_paid,
    ADD CONSTRAINT purchase_money_out CHECK (amount_refunded + amount_disputed <= amount_received),
    -- A credit once posted stays, also of a purchase that turned out to be another one.
    ADD CONSTRAINT purchase_credited_when_paid CHECK (merged_into IS NOT NULL OR (hours_credited > 0 AND hours_reversed = hours_credited)
        OR (hours_credited > 0) = (payment_status IN ('completed', 'partially_refunded', 'refunded', 'disputed')));
UPDATE purchase_transactions SET amount_due = amount, origin = CASE WHEN stripe_invoice_id IS NULL THEN 0 ELSE 3 END;

UPDATE stripe_subscriptions SET student_id = coalesce(student_id, ''), plan_id = coalesce(plan_id, ''), stripe_price_id = coalesce(stripe_price_id, '');
ALTER TABLE stripe_subscriptions ALTER student_id SET NOT NULL, ALTER plan_id SET NOT NULL, ALTER stripe_price_id SET NOT NULL;

ALTER TABLE hour_ledger_entries
    DROP CONSTRAINT ledger_kind_and_signs,
    DROP CONSTRAINT ledger_origin,
    ADD CONSTRAINT ledger_kind_and_signs CHECK (CASE kind
        WHEN 'credit'        THEN hours > 0 AND amount >= 0
        WHEN 'payment'       THEN hours = 0 AND amount <> 0
        WHEN 'reversal'      THEN hours <= 0 AND amount <= 0 AND (hours <> 0 OR amount <> 0)
        WHEN 'reinstatement' THEN hours >= 0 AND amount >= 0 AND (hours <> 0 OR amount <> 0)
        WHEN 'consumption'   THEN hours < 0 AND amount = 0
        WHEN 'restoration'   THEN hours > 0 AND amount = 0
        WHEN 'adjustment'    THEN hours <> 0
        ELSE false END),
    ADD CONSTRAINT ledger_origin CHECK ((kind IN ('credit', 'payment', 'reversal', 'reinstatement')) = (transaction_id IS NOT NULL)
        AND (kind IN ('consumption', 'restoration', 'adjustment')) = (reference IS NOT NULL));
CREATE INDEX hour_ledger_entries_payments ON hour_ledger_entries (transaction_id) WHERE kind = 'payment';
-- Invoices that took hours off.
CREATE INDEX hour_ledger_entries_of_invoices ON hour_ledger_entries (reference) WHERE kind = 'adjustment' AND event_id IS NOT NULL;

ALTER TABLE webhook_events ADD snapshot text; -- the object that was fetched for it
-- What events that found no purchase wait for.
CREATE TABLE waiting_events (
    key      text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (key, event_id)
);
CREATE INDEX waiting_events_of_event ON waiting_events (event_id);

-- Money that needs a person. One case a kind and subject, opened and closed by
-- the facts in the transaction that tells them, or by staff.
CREATE TABLE cases (
    id             text PRIMARY KEY,
    kind           text NOT NULL,
    subject        text COLLATE "C" NOT NULL, -- Stripe's id of what it is about, or the purchase's, or the student
    status         text GENERATED ALWAYS AS (CASE WHEN closed_at IS NULL THEN 'open' ELSE 'closed' END) STORED,
    student_id     text COLLATE "C",
    transaction_id text COLLATE "C",
    event_id       text,
    payment        text,
    amount         bigint,
    currency       text,
    due_by         timestamptz,
    opened_at      timestamptz NOT NULL,
    closed_at      timestamptz,
    closed_by      text,
    note           text,
    UNIQUE (kind, subject)
);
CREATE INDEX cases_newest ON cases (opened_at DESC, id DESC);
CREATE INDEX cases_open ON cases (kind, opened_at DESC, id DESC) WHERE closed_at IS NULL;
CREATE INDEX cases_of_student ON cases (student_id, opened_at DESC, id DESC);
CREATE INDEX cases_of_purchase ON cases (transaction_id);

-- An account that is overdrawn, or more so, opens a case, whatever moved it.
-- +goose StatementBegin
CREATE FUNCTION follow_overdrawn() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.overdrawn THEN
        INSERT INTO cases (id, kind, subject, student_id, opened_at)
            VALUES (gen_random_uuid()::text, 'overdrawn', NEW.student_id, NEW.student_id, NEW.updated_at)
            ON CONFLICT (kind, subject) DO UPDATE SET closed_at = NULL, closed_by = NULL, note = NULL, opened_at = EXCLUDED.opened_at WHERE cases.closed_at IS NOT NULL;
    ELSE
        UPDATE cases SET closed_at = NEW.updated_at WHERE kind = 'overdrawn' AND subject = NEW.student_id AND closed_at IS NULL;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER student_account_balances_overdrawn AFTER UPDATE ON student_account_balances FOR EACH ROW
    WHEN (OLD.overdrawn <> NEW.overdrawn OR (NEW.overdrawn AND NEW.hours_available < OLD.hours_available))
    EXECUTE FUNCTION follow_overdrawn();
INSERT INTO cases (id, kind, subject, student_id, opened_at)
    SELECT gen_random_uuid()::text, 'overdrawn', student_id, student_id, updated_at FROM student_account_balances WHERE overdrawn;
