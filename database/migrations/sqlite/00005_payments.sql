-- See the same migration of PostgreSQL. SQLite can't change a constraint, so
-- that two tables are made anew.

-- +goose Up
CREATE TABLE purchase_keys (
    key         text PRIMARY KEY CHECK (length(key) BETWEEN 1 AND 255),
    purchase_id text NOT NULL
) WITHOUT ROWID;

CREATE TABLE ledger_kept AS SELECT * FROM hour_ledger_entries;
DROP TABLE hour_ledger_entries;

CREATE TABLE purchases_kept AS SELECT * FROM purchase_transactions;
CREATE TABLE intents_kept AS SELECT * FROM purchase_payment_intents;
DROP TABLE purchase_payment_intents;
DROP TABLE purchase_transactions;
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
    stripe_payment_intent_id   text,
    stripe_checkout_session_id text,
    stripe_invoice_id          text,
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
    amount_due                 integer NOT NULL DEFAULT 0 CHECK (amount_due >= 0),
    origin                     integer NOT NULL DEFAULT 0 CHECK (origin BETWEEN 0 AND 4),
    merged_into                text,
    CONSTRAINT purchase_money_out CHECK (amount_refunded + amount_disputed <= amount_received),
    CONSTRAINT purchase_credited_when_paid CHECK (merged_into IS NOT NULL OR (hours_credited > 0 AND hours_reversed = hours_credited)
        OR (hours_credited > 0) = (payment_status IN ('completed', 'partially_refunded', 'refunded', 'disputed')))
);
INSERT INTO purchase_transactions SELECT *, amount, CASE WHEN stripe_invoice_id IS NULL THEN 0 ELSE 3 END, NULL FROM purchases_kept;
DROP TABLE purchases_kept;
-- The next migration needs them once more.
CREATE TABLE purchase_payment_intents (id text PRIMARY KEY, purchase_id text NOT NULL);
INSERT INTO purchase_payment_intents SELECT * FROM intents_kept;
DROP TABLE intents_kept;
CREATE INDEX purchase_transactions_newest ON purchase_transactions (created_at DESC, id DESC);
CREATE INDEX purchase_transactions_of_student ON purchase_transactions (student_id, created_at DESC, id DESC);
-- +goose StatementBegin
CREATE TRIGGER purchase_transactions_stay BEFORE UPDATE OF id, student_id ON purchase_transactions
BEGIN
    SELECT RAISE(ABORT, 'purchase_transactions keeps its rows, and whose they are: UPDATE refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER purchase_transactions_made AFTER INSERT ON purchase_transactions WHEN NEW.payment_status <> 'completed'
BEGIN
    INSERT INTO purchases_not_completed VALUES (NEW.id, NEW.payment_status, NEW.created_at);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER purchase_transactions_moved AFTER UPDATE OF payment_status ON purchase_transactions WHEN NEW.payment_status <> OLD.payment_status
BEGIN
    DELETE FROM purchases_not_completed WHERE id = NEW.id;
    INSERT INTO purchases_not_completed SELECT NEW.id, NEW.payment_status, NEW.created_at WHERE NEW.payment_status <> 'completed';
END;
-- +goose StatementEnd

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
        WHEN 'credit'        THEN hours > 0 AND amount >= 0
        WHEN 'payment'       THEN hours = 0 AND amount <> 0
        WHEN 'reversal'      THEN hours <= 0 AND amount <= 0 AND (hours <> 0 OR amount <> 0)
        WHEN 'reinstatement' THEN hours >= 0 AND amount >= 0 AND (hours <> 0 OR amount <> 0)
        WHEN 'consumption'   THEN hours < 0 AND amount = 0
        WHEN 'restoration'   THEN hours > 0 AND amount = 0
        WHEN 'adjustment'    THEN hours <> 0
        ELSE false END),
    CONSTRAINT ledger_origin CHECK ((kind IN ('credit', 'payment', 'reversal', 'reinstatement')) = (transaction_id IS NOT NULL)
        AND (kind IN ('consumption', 'restoration', 'adjustment')) = (reference IS NOT NULL))
);
INSERT INTO hour_ledger_entries SELECT * FROM ledger_kept;
DROP TABLE ledger_kept;
CREATE INDEX hour_ledger_entries_of_student ON hour_ledger_entries (student_id, created_at DESC, id DESC);
-- One credit a purchase, one booking a reference: the last word on "exactly once".
CREATE UNIQUE INDEX hour_ledger_entries_one_credit ON hour_ledger_entries (transaction_id) WHERE kind = 'credit';
CREATE UNIQUE INDEX hour_ledger_entries_one_booking ON hour_ledger_entries (student_id, kind, reference) WHERE reference IS NOT NULL;
CREATE INDEX hour_ledger_entries_money_back ON hour_ledger_entries (transaction_id) WHERE kind IN ('reversal', 'reinstatement');
CREATE INDEX hour_ledger_entries_payments ON hour_ledger_entries (transaction_id) WHERE kind = 'payment';
CREATE INDEX hour_ledger_entries_of_invoices ON hour_ledger_entries (reference) WHERE kind = 'adjustment' AND event_id IS NOT NULL;
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
-- +goose StatementBegin
CREATE TRIGGER hour_ledger_entries_owner BEFORE INSERT ON hour_ledger_entries
WHEN NEW.student_id <> (SELECT student_id FROM purchase_transactions WHERE id = NEW.transaction_id)
BEGIN
    SELECT RAISE(ABORT, 'FOREIGN KEY constraint failed: ledger_owner');
END;
-- +goose StatementEnd

CREATE TABLE subscription_owners (
    id              text NOT NULL CHECK (length(id) BETWEEN 1 AND 255),
    student_id      text NOT NULL,
    plan_id         text NOT NULL,
    stripe_price_id text NOT NULL,
    told_at         integer NOT NULL,
    updated_at      datetime NOT NULL,
    PRIMARY KEY (id, told_at)
);
INSERT INTO subscription_owners
    SELECT id, coalesce(student_id, ''), coalesce(plan_id, ''), coalesce(stripe_price_id, ''), told_at, updated_at FROM stripe_subscriptions;
DROP TABLE stripe_subscriptions;
ALTER TABLE subscription_owners RENAME TO stripe_subscriptions;

ALTER TABLE webhook_events ADD snapshot text;
CREATE TABLE waiting_events (
    key      text NOT NULL,
    event_id text NOT NULL,
    PRIMARY KEY (key, event_id)
) WITHOUT ROWID;
CREATE INDEX waiting_events_of_event ON waiting_events (event_id);

CREATE TABLE cases (
    id             text PRIMARY KEY,
    kind           text NOT NULL,
    subject        text NOT NULL,
    status         text GENERATED ALWAYS AS (CASE WHEN closed_at IS NULL THEN 'open' ELSE 'closed' END) STORED,
    student_id     text,
    transaction_id text,
    event_id       text,
    payment        text,
    amount         integer,
    currency       text,
    due_by         datetime,
    opened_at      datetime NOT NULL,
    closed_at      datetime,
    closed_by      text,
    note           text,
    UNIQUE (kind, subject)
);
CREATE INDEX cases_newest ON cases (opened_at DESC, id DESC);
CREATE INDEX cases_open ON cases (kind, opened_at DESC, id DESC) WHERE closed_at IS NULL;
CREATE INDEX cases_of_student ON cases (student_id, opened_at DESC, id DESC);
CREATE INDEX cases_of_purchase ON cases (transaction_id);

-- +goose StatementBegin
CREATE TRIGGER student_account_balances_overdrawn AFTER UPDATE ON student_account_balances
WHEN NEW.overdrawn AND (NOT OLD.overdrawn OR NEW.hours_available < OLD.hours_available)
BEGIN
    INSERT INTO cases (id, kind, subject, student_id, opened_at)
        VALUES (lower(hex(randomblob(16))), 'overdrawn', NEW.student_id, NEW.student_id, NEW.updated_at)
        ON CONFLICT (kind, subject) DO UPDATE SET closed_at = NULL, closed_by = NULL, note = NULL, opened_at = excluded.opened_at WHERE cases.closed_at IS NOT NULL;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER student_account_balances_paid_up AFTER UPDATE ON student_account_balances
WHEN OLD.overdrawn AND NOT NEW.overdrawn
BEGIN
    UPDATE cases SET closed_at = NEW.updated_at WHERE kind = 'overdrawn' AND subject = NEW.student_id AND closed_at IS NULL;
END;
-- +goose StatementEnd
INSERT INTO cases (id, kind, subject, student_id, opened_at)
    SELECT lower(hex(randomblob(16))), 'overdrawn', student_id, student_id, updated_at FROM student_account_balances WHERE overdrawn;
