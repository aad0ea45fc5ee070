-- See the same migration of PostgreSQL.

-- +goose Up
CREATE TABLE event_endpoints (url text PRIMARY KEY);
CREATE TABLE event_deliveries (
    id              text NOT NULL UNIQUE,
    sequence        integer PRIMARY KEY,
    endpoint        text NOT NULL,
    ordered_by      text NOT NULL,
    type            text NOT NULL,
    payload         text NOT NULL,
    status          text GENERATED ALWAYS AS (CASE WHEN delivered_at IS NOT NULL THEN 'delivered' WHEN failed_at IS NOT NULL THEN 'failed' ELSE 'due' END) STORED,
    attempts        integer NOT NULL DEFAULT 0,
    last_error      text,
    created_at      datetime NOT NULL,
    tried_since     datetime NOT NULL,
    next_attempt_at datetime,
    delivered_at    datetime,
    failed_at       datetime,
    CONSTRAINT deliveries_have_one_outcome CHECK ((next_attempt_at IS NOT NULL) + (delivered_at IS NOT NULL) + (failed_at IS NOT NULL) = 1)
);
CREATE INDEX event_deliveries_due ON event_deliveries (endpoint, next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX event_deliveries_waiting ON event_deliveries (endpoint, ordered_by, sequence) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX event_deliveries_newest ON event_deliveries (created_at DESC, id DESC);
CREATE INDEX event_deliveries_failed ON event_deliveries (created_at DESC, id DESC) WHERE failed_at IS NOT NULL;
CREATE INDEX event_deliveries_delivered ON event_deliveries (delivered_at) WHERE delivered_at IS NOT NULL;

-- Times are text that ends in "+00:00".
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
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER cases_announced_opened AFTER INSERT ON cases
WHEN NEW.closed_at IS NULL AND NEW.kind <> 'undelivered_event'
BEGIN
    INSERT INTO event_deliveries (id, endpoint, ordered_by, type, payload, created_at, tried_since, next_attempt_at)
        SELECT lower(hex(randomblob(16))), e.url, coalesce(NEW.student_id, NEW.id), t.type, json_object('type', t.type, 'timestamp', replace(replace(coalesce(NEW.closed_at, NEW.opened_at), ' ', 'T'), '+00:00', 'Z'), 'data', json_object(
                'id', NEW.id, 'student_id', NEW.student_id, 'transaction_id', NEW.transaction_id, 'kind', NEW.kind, 'payment', NEW.payment,
                'amount', NEW.amount, 'currency', NEW.currency, 'due_by', replace(replace(NEW.due_by, ' ', 'T'), '+00:00', 'Z'),
                'opened_at', replace(replace(NEW.opened_at, ' ', 'T'), '+00:00', 'Z'), 'closed_at', replace(replace(NEW.closed_at, ' ', 'T'), '+00:00', 'Z'), 'closed_by', NEW.closed_by)),
                n.now, n.now, n.now
            FROM (SELECT CASE WHEN NEW.closed_at IS NULL THEN 'case.opened' ELSE 'case.closed' END AS type) t,
            (SELECT strftime('%Y-%m-%d %H:%M:%f+00:00') AS now) n, event_endpoints e ORDER BY e.url;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER cases_announced AFTER UPDATE OF closed_at ON cases
WHEN (OLD.closed_at IS NULL) <> (NEW.closed_at IS NULL) AND NEW.kind <> 'undelivered_event'
BEGIN
    INSERT INTO event_deliveries (id, endpoint, ordered_by, type, payload, created_at, tried_since, next_attempt_at)
        SELECT lower(hex(randomblob(16))), e.url, coalesce(NEW.student_id, NEW.id), t.type, json_object('type', t.type, 'timestamp', replace(replace(coalesce(NEW.closed_at, NEW.opened_at), ' ', 'T'), '+00:00', 'Z'), 'data', json_object(
                'id', NEW.id, 'student_id', NEW.student_id, 'transaction_id', NEW.transaction_id, 'kind', NEW.kind, 'payment', NEW.payment,
                'amount', NEW.amount, 'currency', NEW.currency, 'due_by', replace(replace(NEW.due_by, ' ', 'T'), '+00:00', 'Z'),
                'opened_at', replace(replace(NEW.opened_at, ' ', 'T'), '+00:00', 'Z'), 'closed_at', replace(replace(NEW.closed_at, ' ', 'T'), '+00:00', 'Z'), 'closed_by', NEW.closed_by)),
                n.now, n.now, n.now
            FROM (SELECT CASE WHEN NEW.closed_at IS NULL THEN 'case.opened' ELSE 'case.closed' END AS type) t,
            (SELECT strftime('%Y-%m-%d %H:%M:%f+00:00') AS now) n, event_endpoints e ORDER BY e.url;
END;
-- +goose StatementEnd
