-- See the same migration of PostgreSQL, and migration 7 for how constraints change.

-- +goose Up
ALTER TABLE student_account_balances ADD hours_expired integer NOT NULL DEFAULT 0 CHECK (hours_expired >= 0);
ALTER TABLE student_account_balances ADD hours_held integer NOT NULL DEFAULT 0 CHECK (hours_held >= 0);
ALTER TABLE student_account_balances ADD lots_settled boolean;
CREATE INDEX student_account_balances_unsettled ON student_account_balances (student_id) WHERE NOT lots_settled;
ALTER TABLE hour_ledger_entries ADD lesson_at datetime;
ALTER TABLE hour_ledger_entries ADD lot_id text;
ALTER TABLE hour_ledger_entries ADD expires_at datetime;

PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '- hours_reversed - hours_consumed', '- hours_reversed - hours_consumed - hours_expired - hours_held')
    WHERE type = 'table' AND name = 'student_account_balances';
UPDATE sqlite_schema SET sql = replace(replace(replace(sql,
        'WHEN ''consumption''   THEN', 'WHEN ''hold''          THEN hours < 0 AND amount = 0
        WHEN ''release''       THEN hours > 0 AND amount = 0
        WHEN ''expiration''    THEN hours <> 0 AND amount = 0
        WHEN ''consumption''   THEN'),
        'CHECK ((kind IN (''credit'', ''payment'', ''reversal'', ''reinstatement'')) = (transaction_id IS NOT NULL)',
        'CHECK (((kind IN (''credit'', ''payment'', ''reversal'', ''reinstatement'')) = (transaction_id IS NOT NULL) OR kind = ''expiration'')'),
        '(''grant'', ''consumption'', ''restoration'', ''adjustment'')) = (reference IS NOT NULL)',
        '(''grant'', ''hold'', ''release'', ''consumption'', ''restoration'', ''adjustment'')) = (reference IS NOT NULL)
        AND (kind = ''expiration'') = (lot_id IS NOT NULL)')
    WHERE type = 'table' AND name = 'hour_ledger_entries';
PRAGMA writable_schema = RESET;
CREATE INDEX hour_ledger_entries_of_lots ON hour_ledger_entries (lot_id) WHERE kind = 'expiration';

DROP TRIGGER student_account_balances_opened;
-- +goose StatementBegin
CREATE TRIGGER student_account_balances_opened AFTER INSERT ON student_account_balances
WHEN NEW.hours_purchased <> 0 OR NEW.hours_granted <> 0 OR NEW.hours_reversed <> 0 OR NEW.hours_consumed <> 0
    OR NEW.hours_expired <> 0 OR NEW.hours_held <> 0 OR NEW.balance_amount <> 0
    OR NEW.last_entry_id IS NOT NULL
    OR EXISTS (SELECT 1 FROM hour_ledger_entries WHERE student_id = NEW.student_id)
    OR EXISTS (SELECT 1 FROM purchase_transactions WHERE student_id = NEW.student_id)
BEGIN
    SELECT RAISE(ABORT, 'student_account_balances moves with its ledger entries alone: INSERT of totals or REPLACE refused');
END;
-- +goose StatementEnd
DROP TRIGGER student_account_balances_moved;
-- +goose StatementBegin
CREATE TRIGGER student_account_balances_moved
AFTER UPDATE OF hours_purchased, hours_granted, hours_reversed, hours_consumed, hours_expired, hours_held, balance_amount, last_entry_id ON student_account_balances
WHEN NEW.last_entry_id IS OLD.last_entry_id OR (SELECT id = NEW.last_entry_id AND student_id = NEW.student_id
    FROM hour_ledger_entries ORDER BY rowid DESC LIMIT 1) IS NOT 1
BEGIN
    SELECT RAISE(ABORT, 'student_account_balances moves with its ledger entries alone: UPDATE of totals refused');
END;
-- +goose StatementEnd
DROP TRIGGER hour_ledger_entries_booked;
-- +goose StatementBegin
CREATE TRIGGER hour_ledger_entries_booked AFTER INSERT ON hour_ledger_entries
BEGIN
    UPDATE student_account_balances SET
        hours_purchased = hours_purchased + CASE WHEN NEW.kind IN ('credit', 'adjustment') THEN NEW.hours ELSE 0 END,
        hours_granted = hours_granted + CASE WHEN NEW.kind = 'grant' THEN NEW.hours ELSE 0 END,
        hours_reversed = hours_reversed - CASE WHEN NEW.kind IN ('reversal', 'reinstatement') THEN NEW.hours ELSE 0 END,
        hours_consumed = hours_consumed - CASE WHEN NEW.kind IN ('consumption', 'restoration') THEN NEW.hours ELSE 0 END,
        hours_expired = hours_expired - CASE WHEN NEW.kind = 'expiration' THEN NEW.hours ELSE 0 END,
        hours_held = hours_held - CASE WHEN NEW.kind IN ('hold', 'release') THEN NEW.hours ELSE 0 END,
        balance_amount = balance_amount + NEW.amount, updated_at = max(updated_at, NEW.created_at), last_entry_id = NEW.id,
        lots_settled = CASE WHEN lots_settled THEN NEW.kind IN ('consumption', 'hold', 'expiration', 'payment') ELSE lots_settled END
    WHERE student_id = NEW.student_id;
    -- "INSERT OR IGNORE" would leave an account behind that may not be moved so.
    SELECT RAISE(ABORT, 'CHECK constraint failed: the account can''t be moved so')
        WHERE (SELECT last_entry_id FROM student_account_balances WHERE student_id = NEW.student_id) IS NOT NEW.id;
END;
-- +goose StatementEnd
DROP TRIGGER hour_ledger_entries_bounds;
-- +goose StatementBegin
CREATE TRIGGER hour_ledger_entries_bounds BEFORE INSERT ON hour_ledger_entries
WHEN (typeof(NEW.hours) = 'integer' AND typeof(NEW.amount) = 'integer'
    AND NEW.hours BETWEEN -1000000000000 AND 1000000000000 AND NEW.amount BETWEEN -1000000000000000 AND 1000000000000000
    AND CASE NEW.kind
        WHEN 'credit' THEN NEW.hours > 0 AND NEW.amount >= 0
        WHEN 'payment' THEN NEW.hours = 0
        WHEN 'reversal' THEN NEW.hours <= 0 AND NEW.amount <= 0
        WHEN 'reinstatement' THEN NEW.hours >= 0 AND NEW.amount >= 0
        WHEN 'hold' THEN NEW.hours < 0 AND NEW.amount = 0
        WHEN 'release' THEN NEW.hours > 0 AND NEW.amount = 0
        WHEN 'consumption' THEN NEW.hours < 0 AND NEW.amount = 0
        WHEN 'restoration' THEN NEW.hours > 0 AND NEW.amount = 0
        WHEN 'expiration' THEN NEW.hours <> 0 AND NEW.amount = 0
        WHEN 'grant' THEN NEW.hours > 0 AND NEW.amount = 0
        ELSE NEW.kind = 'adjustment' END) IS NOT 1
BEGIN
    SELECT RAISE(ABORT, 'CHECK constraint failed: ledger_bounds, or ledger_kind_and_signs');
END;
-- +goose StatementEnd

CREATE TABLE hour_lots (
    id             text PRIMARY KEY,
    student_id     text NOT NULL,
    transaction_id text,
    hours          integer NOT NULL CHECK (hours >= 0),
    drawn          integer NOT NULL CHECK (drawn >= 0),
    expired        integer NOT NULL CHECK (expired >= 0),
    came_at        datetime NOT NULL,
    expires_at     datetime,
    CONSTRAINT lots_hold_what_was_taken CHECK (drawn + expired <= hours)
);
CREATE INDEX hour_lots_of_student ON hour_lots (student_id);
CREATE INDEX hour_lots_open ON hour_lots (expires_at) WHERE drawn + expired < hours;
CREATE TABLE hour_expiry (
    singleton    boolean PRIMARY KEY CHECK (singleton = 1),
    expires_from datetime
);
INSERT INTO hour_expiry SELECT 1, CASE WHEN NOT EXISTS (SELECT 1 FROM purchase_transactions WHERE expires_at IS NOT NULL) THEN '2000-01-01 00:00:00+00:00' END;
UPDATE student_account_balances SET lots_settled = 0
    WHERE student_id IN (SELECT student_id FROM purchase_transactions WHERE expires_at IS NOT NULL);

-- Whether a refund of what is unused gives expired hours back, too.
ALTER TABLE pricing_plans ADD refund_expired boolean NOT NULL DEFAULT 0;
