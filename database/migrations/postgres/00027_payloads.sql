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

-- Both run as their owner: who serves owns no table, and must make and drop these alone.
-- Neither waits for long, because all that reads a payload would wait behind it.
-- +goose StatementBegin
CREATE FUNCTION make_payload_month(at timestamptz) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET timezone = 'UTC' SET lock_timeout = '2s' AS $$
DECLARE
    month timestamptz := date_trunc('month', at);
    name text;
BEGIN
    IF month > now() THEN
        RAISE EXCEPTION 'no payloads are kept of a month to come: %', month USING ERRCODE = 'check_violation';
    END IF;
    name := format('%I.%I', current_schema(), 'event_payloads_' || to_char(month, 'YYYY_MM'));
    IF to_regclass(name) IS NULL THEN
        -- Attached, and not made as a partition, which would wait for whoever reads the others.
        EXECUTE format('CREATE TABLE %s (LIKE event_payloads INCLUDING ALL)', name);
        EXECUTE format('ALTER TABLE event_payloads ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)', name, month, month + interval '1 month');
    END IF;
END $$;

CREATE FUNCTION drop_payload_month(at timestamptz) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET timezone = 'UTC' SET lock_timeout = '2s' AS $$
BEGIN
    EXECUTE format('DROP TABLE IF EXISTS %I.%I', current_schema(), 'event_payloads_' || to_char(at, 'YYYY_MM'));
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
    FOREACH one IN ARRAY '{make_payload_month(timestamptz),drop_payload_month(timestamptz),remove_payload()}'::text[] LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', one);
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', one, current_schema());
    END LOOP;
END $$;
-- +goose StatementEnd

INSERT INTO older_programs (migration, oldest) VALUES (27, 25); -- payloads that lie apart are removed ones to them
