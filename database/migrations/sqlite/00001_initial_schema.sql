-- The same schema as for PostgreSQL, with the rules that hold whatever the
-- code above it does. Hours are hundredths of an hour, amounts minor units.

-- +goose Up
CREATE TABLE pricing_plans (
    id               text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
    name             text NOT NULL CHECK (name <> ''),
    transaction_type text NOT NULL CHECK (transaction_type IN ('package', 'subscription')),
    hours            integer NOT NULL CHECK (hours > 0),
    amount           integer NOT NULL CHECK (amount > 0),
    currency         text NOT NULL CHECK (currency GLOB '[a-z][a-z][a-z]'),
    stripe_price_id  text UNIQUE,
    valid_days       integer CHECK (valid_days > 0),
    active           boolean NOT NULL DEFAULT true,
    created_at       datetime NOT NULL,
    updated_at       datetime NOT NULL
);

-- One row a student, made with the first purchase, which sets the currency.
CREATE TABLE student_account_balances (
    student_id      text PRIMARY KEY CHECK (length(student_id) BETWEEN 1 AND 255),
    currency        text NOT NULL CHECK (currency GLOB '[a-z][a-z][a-z]'),
    hours_purchased integer NOT NULL DEFAULT 0,
    hours_reversed  integer NOT NULL DEFAULT 0 CHECK (hours_reversed >= 0),
    hours_consumed  integer NOT NULL DEFAULT 0 CHECK (hours_consumed >= 0),
    hours_available integer GENERATED ALWAYS AS (hours_purchased - hours_reversed - hours_consumed) STORED,
    balance_amount  integer NOT NULL DEFAULT 0,
    overdrawn       boolean GENERATED ALWAYS AS (hours_purchased - hours_reversed - hours_consumed < 0) STORED,
    updated_at      datetime NOT NULL
);

CREATE TABLE purchase_transactions (
    id                         text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
    student_id                 text NOT NULL REFERENCES student_account_balances,
    transaction_type           text NOT NULL CHECK (transaction_type IN ('package', 'subscription')),
    payment_status             text NOT NULL CHECK (payment_status IN ('pending', 'processing', 'failed', 'cancelled',
                                   'completed', 'partially_refunded', 'refunded', 'disputed')),
    amount                     integer NOT NULL CHECK (amount > 0),
    currency                   text NOT NULL CHECK (currency GLOB '[a-z][a-z][a-z]'),
    hours                      integer NOT NULL CHECK (hours > 0),
    hours_credited             integer NOT NULL DEFAULT 0 CHECK (hours_credited IN (0, hours)),
    hours_reversed             integer NOT NULL DEFAULT 0 CHECK (hours_reversed BETWEEN 0 AND hours_credited),
    amount_received            integer NOT NULL DEFAULT 0 CHECK (amount_received >= 0),
    amount_refunded            integer NOT NULL DEFAULT 0 CHECK (amount_refunded >= 0),
    amount_disputed            integer NOT NULL DEFAULT 0 CHECK (amount_disputed >= 0),
    stripe_payment_intent_id   text UNIQUE,
    stripe_checkout_session_id text UNIQUE,
    stripe_invoice_id          text UNIQUE,
    stripe_customer_id         text,
    plan_id                    text REFERENCES pricing_plans,
    valid_days                 integer CHECK (valid_days > 0),
    failure                    text,
    metadata                   text NOT NULL DEFAULT '{}',
    evidence                   text NOT NULL DEFAULT '{}',
    expires_at                 datetime,
    completed_at               datetime,
    created_at                 datetime NOT NULL,
    updated_at                 datetime NOT NULL,
    CONSTRAINT purchase_money_out CHECK (amount_refunded + amount_disputed <= amount),
    CONSTRAINT purchase_credited_when_paid CHECK ((hours_credited > 0) =
        (payment_status IN ('completed', 'partially_refunded', 'refunded', 'disputed')))
);

CREATE INDEX purchase_transactions_newest ON purchase_transactions (created_at DESC, id DESC);
CREATE INDEX purchase_transactions_of_student ON purchase_transactions (student_id, created_at DESC, id DESC);

-- What customer.subscription events told, for invoices that don't say whose
-- they are.
CREATE TABLE stripe_subscriptions (
    id              text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
    student_id      text,
    plan_id         text, -- as the metadata names it; no such plan may exist (yet)
    stripe_price_id text,
    told_at         integer NOT NULL, -- Stripe's event.created, Unix seconds
    updated_at      datetime NOT NULL
);

CREATE TABLE hour_ledger_entries (
    id             text PRIMARY KEY,
    student_id     text NOT NULL REFERENCES student_account_balances,
    transaction_id text REFERENCES purchase_transactions,
    kind           text NOT NULL,
    hours          integer NOT NULL,
    amount         integer NOT NULL,
    currency       text NOT NULL,
    event_id       text,
    reference      text,
    reason         text, -- of an adjustment, in the words of whoever made it
    created_at     datetime NOT NULL,
    CONSTRAINT ledger_kind_and_signs CHECK (CASE kind
        WHEN 'credit'        THEN hours > 0 AND amount > 0
        WHEN 'reversal'      THEN hours <= 0 AND amount < 0
        WHEN 'reinstatement' THEN hours >= 0 AND amount > 0
        WHEN 'consumption'   THEN hours < 0 AND amount = 0
        WHEN 'restoration'   THEN hours > 0 AND amount = 0
        WHEN 'adjustment'    THEN hours <> 0
        ELSE false END),
    CONSTRAINT ledger_origin CHECK ((kind IN ('credit', 'reversal', 'reinstatement')) = (transaction_id IS NOT NULL)
        AND (kind IN ('consumption', 'restoration', 'adjustment')) = (reference IS NOT NULL))
);
CREATE INDEX hour_ledger_entries_of_student ON hour_ledger_entries (student_id, created_at DESC, id DESC);
-- One credit a purchase, one booking a reference: the last word on "exactly once".
CREATE UNIQUE INDEX hour_ledger_entries_one_credit ON hour_ledger_entries (transaction_id) WHERE kind = 'credit';
CREATE UNIQUE INDEX hour_ledger_entries_one_booking ON hour_ledger_entries (student_id, kind, reference) WHERE reference IS NOT NULL;
CREATE INDEX hour_ledger_entries_money_back ON hour_ledger_entries (transaction_id) WHERE kind IN ('reversal', 'reinstatement');

-- Work that one replica at a time does now and then: whoever moves next_run_at
-- on has the run.
CREATE TABLE scheduled_jobs (
    name            text PRIMARY KEY,
    next_run_at     datetime NOT NULL,
    last_success_at datetime
);

-- What was answered to a request with an Idempotency-Key, so that the same
-- request gets the same answer. The key is unique for each API key.
CREATE TABLE idempotency_keys (
    api_key      text NOT NULL,
    key          text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    request_hash text NOT NULL,
    status       integer NOT NULL,
    response     text NOT NULL,
    created_at   datetime NOT NULL,
    PRIMARY KEY (api_key, key)
);

CREATE TABLE webhook_events (
    id              text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
    type            text NOT NULL,
    api_version     text,
    livemode        boolean NOT NULL,
    status          text NOT NULL CHECK (status IN ('processed', 'ignored', 'rejected', 'parked')),
    reason          text,
    attempts        integer NOT NULL,
    deliveries      integer NOT NULL,
    payload         text NOT NULL,
    transaction_id  text,
    next_attempt_at datetime,
    received_at     datetime NOT NULL,
    processed_at    datetime,
    CONSTRAINT event_parked_until CHECK ((status = 'parked') = (next_attempt_at IS NOT NULL))
);
CREATE INDEX webhook_events_newest ON webhook_events (received_at DESC, id DESC);
CREATE INDEX webhook_events_exceptions ON webhook_events (status, received_at DESC, id DESC) WHERE status <> 'processed';
CREATE INDEX webhook_events_due ON webhook_events (next_attempt_at) WHERE status = 'parked';
CREATE INDEX webhook_events_of_purchase ON webhook_events (transaction_id) WHERE transaction_id IS NOT NULL;

-- +goose StatementBegin
CREATE TRIGGER hour_ledger_entries_no_update BEFORE UPDATE ON hour_ledger_entries
BEGIN
    SELECT RAISE(ABORT, 'hour_ledger_entries is append-only: UPDATE refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER hour_ledger_entries_no_delete BEFORE DELETE ON hour_ledger_entries
BEGIN
    SELECT RAISE(ABORT, 'hour_ledger_entries is append-only: DELETE refused');
END;
-- +goose StatementEnd
-- INSERT OR REPLACE deletes without firing the trigger above, so it is
-- refused before it can.
-- +goose StatementBegin
CREATE TRIGGER hour_ledger_entries_no_replace BEFORE INSERT ON hour_ledger_entries
WHEN EXISTS (SELECT 1 FROM hour_ledger_entries WHERE id = NEW.id)
    OR (NEW.kind = 'credit' AND EXISTS (SELECT 1 FROM hour_ledger_entries
        WHERE transaction_id = NEW.transaction_id AND kind = 'credit'))
    OR (NEW.reference IS NOT NULL AND EXISTS (SELECT 1 FROM hour_ledger_entries
        WHERE student_id = NEW.student_id AND kind = NEW.kind AND reference = NEW.reference))
BEGIN
    SELECT RAISE(ABORT, 'UNIQUE constraint failed: hour_ledger_entries');
END;
-- +goose StatementEnd
-- Never more hours back than were credited, and never more given again than
-- were taken.
-- +goose StatementBegin
CREATE TRIGGER hour_ledger_entries_reversal AFTER INSERT ON hour_ledger_entries
WHEN NEW.kind IN ('reversal', 'reinstatement')
BEGIN
    SELECT RAISE(ABORT, 'CHECK constraint failed: ledger_reversal_within_credit')
    WHERE (SELECT -sum(hours) FROM hour_ledger_entries
           WHERE transaction_id = NEW.transaction_id AND kind IN ('reversal', 'reinstatement'))
        NOT BETWEEN 0 AND coalesce((SELECT sum(hours) FROM hour_ledger_entries
           WHERE transaction_id = NEW.transaction_id AND kind = 'credit'), 0);
END;
-- +goose StatementEnd
