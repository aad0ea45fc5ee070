-- See the same migration of PostgreSQL.

-- +goose Up
ALTER TABLE cases ADD told_at datetime;
UPDATE cases SET told_at = opened_at WHERE closed_at IS NULL AND EXISTS (SELECT 1 FROM event_endpoints);
CREATE INDEX cases_untold ON cases (opened_at) WHERE told_at IS NULL AND closed_at IS NULL AND kind <> 'undelivered_event';
DROP TRIGGER cases_announced_opened;
DROP TRIGGER cases_announced;
-- +goose StatementBegin
CREATE TRIGGER cases_told_at_once AFTER INSERT ON cases
WHEN NEW.kind = 'dispute' AND NEW.closed_at IS NULL
BEGIN
    UPDATE cases SET told_at = strftime('%Y-%m-%d %H:%M:%f+00:00') WHERE id = NEW.id AND EXISTS (SELECT 1 FROM event_endpoints);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER cases_told_at_once_again AFTER UPDATE OF closed_at ON cases
WHEN NEW.kind = 'dispute' AND OLD.closed_at IS NOT NULL AND NEW.closed_at IS NULL
BEGIN
    UPDATE cases SET told_at = strftime('%Y-%m-%d %H:%M:%f+00:00') WHERE id = NEW.id AND EXISTS (SELECT 1 FROM event_endpoints);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER cases_announced_opened AFTER UPDATE OF told_at ON cases
WHEN OLD.told_at IS NULL AND NEW.told_at IS NOT NULL
BEGIN
    INSERT INTO event_deliveries (id, endpoint, ordered_by, type, payload, created_at, tried_since, next_attempt_at)
        SELECT lower(hex(randomblob(16))), e.url, coalesce(NEW.student_id, NEW.id), 'case.opened', json_object('type', 'case.opened', 'timestamp', replace(replace(NEW.opened_at, ' ', 'T'), '+00:00', 'Z'), 'data', json_object(
                'id', NEW.id, 'student_id', NEW.student_id, 'transaction_id', NEW.transaction_id, 'kind', NEW.kind, 'payment', NEW.payment,
                'amount', NEW.amount, 'currency', NEW.currency, 'due_by', replace(replace(NEW.due_by, ' ', 'T'), '+00:00', 'Z'),
                'opened_at', replace(replace(NEW.opened_at, ' ', 'T'), '+00:00', 'Z'), 'closed_at', NULL, 'closed_by', NULL)),
                n.now, n.now, n.now
            FROM (SELECT strftime('%Y-%m-%d %H:%M:%f+00:00') AS now) n, event_endpoints e ORDER BY e.url;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER cases_announced AFTER UPDATE OF closed_at ON cases
WHEN OLD.closed_at IS NULL AND NEW.closed_at IS NOT NULL AND NEW.told_at IS NOT NULL
BEGIN
    INSERT INTO event_deliveries (id, endpoint, ordered_by, type, payload, created_at, tried_since, next_attempt_at)
        SELECT lower(hex(randomblob(16))), e.url, coalesce(NEW.student_id, NEW.id), 'case.closed', json_object('type', 'case.closed', 'timestamp', replace(replace(NEW.closed_at, ' ', 'T'), '+00:00', 'Z'), 'data', json_object(
                'id', NEW.id, 'student_id', NEW.student_id, 'transaction_id', NEW.transaction_id, 'kind', NEW.kind, 'payment', NEW.payment,
                'amount', NEW.amount, 'currency', NEW.currency, 'due_by', replace(replace(NEW.due_by, ' ', 'T'), '+00:00', 'Z'),
                'opened_at', replace(replace(NEW.opened_at, ' ', 'T'), '+00:00', 'Z'), 'closed_at', replace(replace(NEW.closed_at, ' ', 'T'), '+00:00', 'Z'), 'closed_by', NEW.closed_by)),
                n.now, n.now, n.now
            FROM (SELECT strftime('%Y-%m-%d %H:%M:%f+00:00') AS now) n, event_endpoints e ORDER BY e.url;
    UPDATE cases SET told_at = NULL WHERE id = NEW.id;
END;
-- +goose StatementEnd

ALTER TABLE pricing_plans ADD low_hours integer CHECK (low_hours > 0);
DROP TRIGGER hour_ledger_entries_announced;
-- +goose StatementBegin
CREATE TRIGGER hour_ledger_entries_announced AFTER INSERT ON hour_ledger_entries
WHEN EXISTS (SELECT 1 FROM event_endpoints)
BEGIN
    INSERT INTO event_deliveries (id, endpoint, ordered_by, type, payload, created_at, tried_since, next_attempt_at)
        SELECT lower(hex(randomblob(16))), e.url, NEW.student_id, t.type, json_object('type', t.type, 'timestamp', replace(replace(NEW.created_at, ' ', 'T'), '+00:00', 'Z'), 'data', json_object(
                'id', NEW.id, 'student_id', NEW.student_id, 'transaction_id', NEW.transaction_id, 'kind', NEW.kind, 'hours', printf('%.2f', NEW.hours / 100.0),
                'amount', NEW.amount, 'currency', NEW.currency, 'occurred_at', replace(replace(NEW.occurred_at, ' ', 'T'), '+00:00', 'Z'))),
                n.now, n.now, n.now
            FROM (SELECT 1 AS place, 'purchase.completed' AS type, NEW.kind = 'credit' AS told
                UNION ALL SELECT 2, 'purchase.reversed', NEW.kind = 'reversal'
                UNION ALL SELECT 3, 'hours.credited', NEW.kind IN ('credit', 'reinstatement', 'grant', 'adjustment') AND NEW.hours > 0
                UNION ALL SELECT 4, 'hours.reversed', NEW.kind IN ('reversal', 'adjustment') AND NEW.hours < 0
                UNION ALL SELECT 5, 'hours.expired', NEW.kind = 'expiration') t,
            (SELECT strftime('%Y-%m-%d %H:%M:%f+00:00') AS now) n, event_endpoints e WHERE t.told ORDER BY t.place, e.url;
    -- The account may have been moved by the entry already, or not yet. "began" is what it had
    -- before all entries of the same moment: the capture of a hold releases it first, and low
    -- hours are no less low for that.
    INSERT INTO event_deliveries (id, endpoint, ordered_by, type, payload, created_at, tried_since, next_attempt_at)
        SELECT lower(hex(randomblob(16))), e.url, NEW.student_id, 'hours.low', json_object('type', 'hours.low', 'timestamp', replace(replace(NEW.created_at, ' ', 'T'), '+00:00', 'Z'), 'data', json_object(
                'student_id', NEW.student_id, 'hours_available', printf('%.2f', (a.before + NEW.hours) / 100.0), 'low_hours', printf('%.2f', p.low_hours / 100.0), 'plan_id', p.id)),
                n.now, n.now, n.now
            FROM (SELECT hours_available - CASE WHEN last_entry_id IS NEW.id THEN NEW.hours ELSE 0 END AS before FROM student_account_balances WHERE student_id = NEW.student_id) a,
            pricing_plans p, (SELECT strftime('%Y-%m-%d %H:%M:%f+00:00') AS now) n, event_endpoints e
            WHERE NEW.hours < 0 AND a.before >= p.low_hours AND a.before + NEW.hours < p.low_hours
                AND p.id = (SELECT plan_id FROM purchase_transactions WHERE student_id = NEW.student_id AND completed_at IS NOT NULL ORDER BY completed_at DESC, id DESC LIMIT 1)
                AND a.before - (SELECT coalesce(sum(hours), 0) FROM hour_ledger_entries WHERE student_id = NEW.student_id AND created_at = NEW.created_at AND id <> NEW.id) >= p.low_hours
            ORDER BY e.url;
END;
-- +goose StatementEnd

ALTER TABLE hour_lots ADD told_end datetime;
CREATE INDEX hour_lots_untold ON hour_lots (expires_at) WHERE drawn + expired < hours AND told_end IS NOT expires_at;
-- +goose StatementBegin
CREATE TRIGGER hour_lots_announced AFTER UPDATE OF told_end ON hour_lots
BEGIN
    INSERT INTO event_deliveries (id, endpoint, ordered_by, type, payload, created_at, tried_since, next_attempt_at)
        SELECT lower(hex(randomblob(16))), e.url, NEW.student_id, 'hours.expiring', json_object('type', 'hours.expiring', 'timestamp', replace(replace(n.now, ' ', 'T'), '+00:00', 'Z'), 'data', json_object(
                'id', NEW.id, 'student_id', NEW.student_id, 'transaction_id', NEW.transaction_id, 'hours', printf('%.2f', (NEW.hours - NEW.drawn - NEW.expired) / 100.0),
                'expires_at', replace(replace(NEW.expires_at, ' ', 'T'), '+00:00', 'Z'))),
                n.now, n.now, n.now
            FROM (SELECT strftime('%Y-%m-%d %H:%M:%f+00:00') AS now) n, event_endpoints e ORDER BY e.url;
END;
-- +goose StatementEnd
