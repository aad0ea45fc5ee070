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
