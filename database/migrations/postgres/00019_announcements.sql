-- When the platform is told: of a case once it stood for ten minutes, and of hours
-- before they end or run out.

-- +goose Up

-- Most cases settle by themselves with the next event. A dispute is told at once;
-- any other one by whatever serves, once it stood long enough.
ALTER TABLE cases ADD told_at timestamptz; -- when it was told that it is open; null: it was not, or that it is closed since
UPDATE cases SET told_at = opened_at WHERE closed_at IS NULL AND EXISTS (SELECT FROM event_endpoints); -- as they were until now
CREATE INDEX cases_untold ON cases (opened_at) WHERE told_at IS NULL AND closed_at IS NULL AND kind <> 'undelivered_event';
DROP TRIGGER cases_announced_opened ON cases;
DROP TRIGGER cases_announced ON cases;

-- +goose StatementBegin
CREATE FUNCTION tell_case() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE cases SET told_at = now() WHERE id = NEW.id AND EXISTS (SELECT FROM event_endpoints);
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION announce_case() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    told text := CASE WHEN NEW.closed_at IS NULL THEN 'case.opened' ELSE 'case.closed' END;
BEGIN
    INSERT INTO event_deliveries (id, endpoint, ordered_by, type, payload, created_at, tried_since, next_attempt_at)
        SELECT gen_random_uuid()::text, e.url, coalesce(NEW.student_id, NEW.id), told, json_build_object('type', told, 'timestamp', event_time(coalesce(NEW.closed_at, NEW.opened_at)), 'data', json_build_object(
                'id', NEW.id, 'student_id', NEW.student_id, 'transaction_id', NEW.transaction_id, 'kind', NEW.kind, 'payment', NEW.payment,
                'amount', NEW.amount, 'currency', NEW.currency, 'due_by', event_time(NEW.due_by),
                'opened_at', event_time(NEW.opened_at), 'closed_at', event_time(NEW.closed_at), 'closed_by', NEW.closed_by))::text, now(), now(), now()
            FROM event_endpoints e ORDER BY e.url;
    IF NEW.closed_at IS NOT NULL THEN
        UPDATE cases SET told_at = NULL WHERE id = NEW.id;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER cases_told_at_once AFTER INSERT ON cases FOR EACH ROW
    WHEN (NEW.kind = 'dispute' AND NEW.closed_at IS NULL) EXECUTE FUNCTION tell_case();
CREATE TRIGGER cases_told_at_once_again AFTER UPDATE OF closed_at ON cases FOR EACH ROW
    WHEN (NEW.kind = 'dispute' AND OLD.closed_at IS NOT NULL AND NEW.closed_at IS NULL) EXECUTE FUNCTION tell_case();
CREATE TRIGGER cases_announced_opened AFTER UPDATE OF told_at ON cases FOR EACH ROW
    WHEN (OLD.told_at IS NULL AND NEW.told_at IS NOT NULL) EXECUTE FUNCTION announce_case();
CREATE TRIGGER cases_announced AFTER UPDATE OF closed_at ON cases FOR EACH ROW
    WHEN (OLD.closed_at IS NULL AND NEW.closed_at IS NOT NULL AND NEW.told_at IS NOT NULL) EXECUTE FUNCTION announce_case();

-- Hours that run out are told in the transaction that takes them.
ALTER TABLE pricing_plans ADD low_hours bigint CHECK (low_hours > 0); -- of a student whose newest purchase is of the plan; null: never told
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION announce_entries() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
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
    -- The entries have not moved the accounts yet.
    INSERT INTO event_deliveries (id, endpoint, ordered_by, type, payload, created_at, tried_since, next_attempt_at)
        SELECT gen_random_uuid()::text, e.url, a.student_id, 'hours.low', json_build_object('type', 'hours.low', 'timestamp', event_time(m.at), 'data', json_build_object(
                'student_id', a.student_id, 'hours_available', round((a.hours_available + m.hours) / 100.0, 2)::text,
                'low_hours', round(p.low_hours / 100.0, 2)::text, 'plan_id', p.id))::text, now(), now(), now()
            FROM (SELECT student_id, sum(hours)::bigint AS hours, max(created_at) AS at FROM posted GROUP BY student_id HAVING sum(hours) < 0) m
            JOIN student_account_balances a ON a.student_id = m.student_id AND a.student_id = ANY (ARRAY(SELECT student_id FROM posted))
            CROSS JOIN LATERAL (SELECT plan_id FROM purchase_transactions WHERE student_id = m.student_id AND completed_at IS NOT NULL
                ORDER BY completed_at DESC, id DESC LIMIT 1) newest
            JOIN pricing_plans p ON p.id = newest.plan_id
            CROSS JOIN event_endpoints e
            WHERE a.hours_available >= p.low_hours AND a.hours_available + m.hours < p.low_hours
            ORDER BY a.student_id, e.url;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- Hours that end are told before, by whatever serves: once for each end of a lot.
ALTER TABLE hour_lots ADD told_end timestamptz; -- the end that was told last
CREATE INDEX hour_lots_untold ON hour_lots (expires_at) WHERE drawn + expired < hours AND told_end IS DISTINCT FROM expires_at;
-- +goose StatementBegin
CREATE FUNCTION announce_end() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO event_deliveries (id, endpoint, ordered_by, type, payload, created_at, tried_since, next_attempt_at)
        SELECT gen_random_uuid()::text, e.url, NEW.student_id, 'hours.expiring', json_build_object('type', 'hours.expiring', 'timestamp', event_time(now()), 'data', json_build_object(
                'id', NEW.id, 'student_id', NEW.student_id, 'transaction_id', NEW.transaction_id, 'hours', round((NEW.hours - NEW.drawn - NEW.expired) / 100.0, 2)::text,
                'expires_at', event_time(NEW.expires_at)))::text, now(), now(), now()
            FROM event_endpoints e ORDER BY e.url;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER hour_lots_announced AFTER UPDATE OF told_end ON hour_lots FOR EACH ROW EXECUTE FUNCTION announce_end();

-- As migration 18 left all others.
-- +goose StatementBegin
DO $$
DECLARE
    one regprocedure;
BEGIN
    FOR one IN SELECT oid FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND prorettype = 'trigger'::regtype
            AND pg_has_role(proowner, 'MEMBER') LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', one);
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', one, current_schema());
    END LOOP;
END $$;
-- +goose StatementEnd
