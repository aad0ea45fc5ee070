-- See the same migration of PostgreSQL.

-- +goose Up
ALTER TABLE webhook_events ADD archived_sha256 text;

CREATE TABLE event_payloads (
    received_at datetime NOT NULL,
    event_id    text NOT NULL,
    payload     text NOT NULL,
    snapshot    text,
    PRIMARY KEY (received_at, event_id)
);

-- +goose StatementBegin
CREATE TRIGGER webhook_events_removed AFTER DELETE ON webhook_events
BEGIN
    DELETE FROM event_payloads WHERE received_at = OLD.received_at AND event_id = OLD.id;
END;
-- +goose StatementEnd

INSERT INTO older_programs (migration, oldest) VALUES (27, 25); -- payloads that lie apart are removed ones to them
