-- See the same migration of PostgreSQL. Constraints change in the schema's own
-- text, as https://www.sqlite.org/lang_altertable.html#otheralter allows where
-- every row keeps them, and spares two large tables from being made anew.

-- +goose Up
ALTER TABLE student_account_balances ADD hours_granted integer NOT NULL DEFAULT 0 CHECK (hours_granted >= 0);
ALTER TABLE hour_ledger_entries ADD actor text;
ALTER TABLE hour_ledger_entries ADD occurred_at datetime;
DROP TRIGGER hour_ledger_entries_no_update;
UPDATE hour_ledger_entries SET occurred_at = created_at;
-- +goose StatementBegin
CREATE TRIGGER hour_ledger_entries_no_update BEFORE UPDATE ON hour_ledger_entries
BEGIN
    SELECT RAISE(ABORT, 'hour_ledger_entries is append-only: UPDATE refused');
END;
-- +goose StatementEnd

PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(replace(sql,
        'currency        text NOT NULL CHECK', 'currency        text CHECK'),
        '(hours_purchased - hours_reversed', '(hours_purchased + hours_granted - hours_reversed')
    WHERE type = 'table' AND name = 'student_account_balances';
UPDATE sqlite_schema SET sql = replace(replace(replace(replace(replace(sql,
        'currency       text NOT NULL', 'currency       text CHECK (amount = 0 OR currency IS NOT NULL)'),
        'occurred_at datetime', 'occurred_at datetime NOT NULL DEFAULT (strftime(''%Y-%m-%d %H:%M:%f+00:00'', ''now''))'),
        'WHEN ''consumption''   THEN', 'WHEN ''grant''         THEN hours > 0 AND amount = 0
        WHEN ''consumption''   THEN'),
        '(''consumption'', ''restoration'', ''adjustment'')', '(''grant'', ''consumption'', ''restoration'', ''adjustment'')'),
        '-- of an adjustment, in', '-- in')
    WHERE type = 'table' AND name = 'hour_ledger_entries';
PRAGMA writable_schema = RESET;

CREATE TABLE refund_requests (
    id             text PRIMARY KEY,
    transaction_id text NOT NULL REFERENCES purchase_transactions,
    payment        text NOT NULL,
    amount         integer NOT NULL CHECK (amount > 0),
    currency       text NOT NULL,
    reason         text NOT NULL,
    actor          text NOT NULL,
    refund_id      text,
    status         text NOT NULL,
    message        text,
    requested_at   datetime NOT NULL,
    answered_at    datetime
);
CREATE INDEX refund_requests_of_purchase ON refund_requests (transaction_id);
CREATE INDEX refund_requests_unanswered ON refund_requests (requested_at) WHERE status = 'asked';

CREATE TABLE audit_log (
    id         text PRIMARY KEY,
    actor      text NOT NULL,
    action     text NOT NULL,
    subject    text NOT NULL,
    note       text,
    created_at datetime NOT NULL
);
CREATE INDEX audit_log_newest ON audit_log (created_at DESC, id DESC);
-- +goose StatementBegin
CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only: UPDATE refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only: DELETE refused');
END;
-- +goose StatementEnd
