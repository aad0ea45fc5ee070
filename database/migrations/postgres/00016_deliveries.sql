-- Signed events out: what the platform's own backend is told.

-- +goose Up

-- Where events go; "serve" keeps it as EVENTS_URLS says. Where there is none, nothing
-- is written for anybody.
CREATE TABLE event_endpoints (url text COLLATE "C" PRIMARY KEY);

-- An event for one endpoint, written in the transaction that it tells of, and sent as
-- it is written (a transactional outbox).
CREATE TABLE event_deliveries (
    id              text COLLATE "C" PRIMARY KEY, -- the header webhook-id, the same at each try
    sequence        bigint GENERATED ALWAYS AS IDENTITY,
    endpoint        text COLLATE "C" NOT NULL,
    ordered_by      text COLLATE "C" NOT NULL, -- the student, or the case of none: its events are sent one after the other
    type            text NOT NULL,
    payload         text NOT NULL,
    status          text GENERATED ALWAYS AS (CASE WHEN delivered_at IS NOT NULL THEN 'delivered' WHEN failed_at IS NOT NULL THEN 'failed' ELSE 'due' END) STORED,
    attempts        integer NOT NULL DEFAULT 0,
    last_error      text,
    created_at      timestamptz NOT NULL,
    tried_since     timestamptz NOT NULL, -- since it was written, or an operator had it sent again
    next_attempt_at timestamptz, -- null: it is delivered or given up
    delivered_at    timestamptz,
    failed_at       timestamptz, -- when it was given up
    CONSTRAINT deliveries_have_one_outcome CHECK (num_nonnulls(next_attempt_at, delivered_at, failed_at) = 1)
);
CREATE INDEX event_deliveries_due ON event_deliveries (endpoint, next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX event_deliveries_waiting ON event_deliveries (endpoint, ordered_by, sequence) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX event_deliveries_newest ON event_deliveries (created_at DESC, id DESC);
CREATE INDEX event_deliveries_failed ON event_deliveries (created_at DESC, id DESC) WHERE failed_at IS NOT NULL;
CREATE INDEX event_deliveries_delivered ON event_deliveries (delivered_at) WHERE delivered_at IS NOT NULL;

-- +goose StatementBegin
CREATE FUNCTION event_time(at timestamptz) RETURNS text LANGUAGE sql STABLE AS
    $$ SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') $$;

-- Runs before book_entries(), by its name, so that what follows from the entries, such
-- as a case, is told after them. It locks accounts as that does, so that events of a
-- student are numbered in the order in which they are committed.
CREATE FUNCTION announce_entries() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM event_endpoints) THEN
        RETURN NULL;
    END IF;
    PERFORM FROM student_account_balances WHERE student_id = ANY (ARRAY(SELECT student_id FROM posted)) ORDER BY student_id FOR NO KEY UPDATE;
    INSERT INTO event_deliveries (id, endpoint, ordered_by, type, payload, created_at, tried_since, next_attempt_at)
        SELECT gen_random_uuid()::text, e.url, l.student_id, t.type, json_build_object('type', t.type, 'timestamp', event_time(l.created_at), 'data', json_build_object(
                'id', l.id, 'student_id', l.student_id, 'transaction_id', l.transaction_id, 'kind', l.kind, 'hours', round(l.hours / 100.0, 2)::text,
                'amount', l.amount, 'currency', l.currency, 'occurred_at', event_time(l.occurred_at)))::text, now(), now(), now()
            FROM posted l CROSS JOIN LATERAL (VALUES
                (1, 'purchase.completed', l.kind = 'credit'),
                (2, 'purchase.reversed', l.kind = 'reversal'),
                (3, 'hours.credited', l.kind IN ('credit', 'reinstatement', 'grant', 'adjustment') AND l.hours > 0),
                (4, 'hours.reversed', l.kind IN ('reversal', 'adjustment') AND l.hours < 0),
                (5, 'hours.expired', l.kind = 'expiration')) t (place, type, told)
            CROSS JOIN event_endpoints e
            WHERE t.told ORDER BY l.created_at, l.id, t.place, e.url;
    RETURN NULL;
END $$;

-- That events could not be delivered is not told by events.
CREATE FUNCTION announce_case() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    told text := CASE WHEN NEW.closed_at IS NULL THEN 'case.opened' ELSE 'case.closed' END;
BEGIN
    INSERT INTO event_deliveries (id, endpoint, ordered_by, type, payload, created_at, tried_since, next_attempt_at)
        SELECT gen_random_uuid()::text, e.url, coalesce(NEW.student_id, NEW.id), told, json_build_object('type', told, 'timestamp', event_time(coalesce(NEW.closed_at, NEW.opened_at)), 'data', json_build_object(
                'id', NEW.id, 'student_id', NEW.student_id, 'transaction_id', NEW.transaction_id, 'kind', NEW.kind, 'payment', NEW.payment,
                'amount', NEW.amount, 'currency', NEW.currency, 'due_by', event_time(NEW.due_by),
                'opened_at', event_time(NEW.opened_at), 'closed_at', event_time(NEW.closed_at), 'closed_by', NEW.closed_by))::text, now(), now(), now()
            FROM event_endpoints e ORDER BY e.url;
    RETURN NULL;
END $$;
DO $$ BEGIN
    -- So that a temporary table of that name is not taken for ours.
    EXECUTE format('ALTER FUNCTION announce_entries() SET search_path = %I, pg_temp', current_schema());
    EXECUTE format('ALTER FUNCTION announce_case() SET search_path = %I, pg_temp', current_schema());
END $$;
-- +goose StatementEnd
CREATE TRIGGER hour_ledger_entries_announced AFTER INSERT ON hour_ledger_entries
    REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION announce_entries();
CREATE TRIGGER cases_announced_opened AFTER INSERT ON cases FOR EACH ROW
    WHEN (NEW.closed_at IS NULL AND NEW.kind <> 'undelivered_event') EXECUTE FUNCTION announce_case();
CREATE TRIGGER cases_announced AFTER UPDATE OF closed_at ON cases FOR EACH ROW
    WHEN ((OLD.closed_at IS NULL) <> (NEW.closed_at IS NULL) AND NEW.kind <> 'undelivered_event') EXECUTE FUNCTION announce_case();
