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
