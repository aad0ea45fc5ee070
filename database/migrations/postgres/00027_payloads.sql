-- Payloads of events that are settled lie apart, a partition a month (UTC), so that
-- webhook_events stays small, and a month that is not needed any more goes at once.

-- +goose Up
SET LOCAL lock_timeout = '2s';
ALTER TABLE webhook_events ADD archived_sha256 text; -- hex, of what "events archive" wrote of it; null: nothing; empty: it was removed for good

-- The payloads and snapshots of events whose own are empty. The time is part of what they
-- are found by, because it leads to the partition.
CREATE TABLE event_payloads (
    received_at timestamptz NOT NULL,
    event_id    text COLLATE "C" NOT NULL,
    payload     text NOT NULL,
    snapshot    text,
    PRIMARY KEY (received_at, event_id)
) PARTITION BY RANGE (received_at);

-- The table of a month, of those that are parts of event_payloads; null: there is none.
-- +goose StatementBegin
CREATE FUNCTION payload_month(month timestamptz) RETURNS regclass LANGUAGE sql STABLE SET timezone = 'UTC' AS $$
    SELECT c.oid::regclass FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = to_regclass('event_payloads') AND c.relname = 'event_payloads_' || to_char(month, 'YYYY_MM')
$$;

-- Both run as their owner: who serves owns no table, and must make and drop these alone.
-- Neither waits for long, because all that reads a payload would wait behind it.
CREATE FUNCTION make_payload_month(at timestamptz) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET timezone = 'UTC' SET lock_timeout = '2s' AS $$
DECLARE
    month timestamptz := date_trunc('month', at);
    name text;
BEGIN
    -- A month's name tells no era: before Stripe was, one would take another's.
    IF month > now() OR month < '2011-01-01' THEN
        RAISE EXCEPTION 'no payloads are kept of %', month USING ERRCODE = 'check_violation';
    END IF;
    IF payload_month(month) IS NULL THEN
        -- Attached, and not made as a partition, which would wait for whoever reads the others.
        name := format('%I.%I', current_schema(), 'event_payloads_' || to_char(month, 'YYYY_MM'));
        EXECUTE format('CREATE TABLE %s (LIKE event_payloads INCLUDING ALL)', name);
        EXECUTE format('ALTER TABLE event_payloads ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)', name, month, month + interval '1 month');
    END IF;
END $$;

CREATE FUNCTION drop_payload_month(at timestamptz) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET timezone = 'UTC' SET lock_timeout = '2s' AS $$
DECLARE
    month regclass := payload_month(at);
BEGIN
    IF month IS NOT NULL AND at >= '2011-01-01' THEN
        EXECUTE format('DROP TABLE %s', month);
    END IF;
END $$;

-- Whatever removes an event: programs of before know of one table.
CREATE FUNCTION remove_payload() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM event_payloads WHERE received_at = OLD.received_at AND event_id = OLD.id;
    RETURN NULL;
END $$;

CREATE TRIGGER webhook_events_removed AFTER DELETE ON webhook_events FOR EACH ROW EXECUTE FUNCTION remove_payload();

DO $$
DECLARE
    one text;
BEGIN
    FOREACH one IN ARRAY '{payload_month(timestamptz),make_payload_month(timestamptz),drop_payload_month(timestamptz),remove_payload()}'::text[] LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', one);
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', one, current_schema());
    END LOOP;
END $$;
-- +goose StatementEnd

INSERT INTO older_programs (migration, oldest) VALUES (27, 25); -- payloads that lie apart are removed ones to them
