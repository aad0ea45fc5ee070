-- What lists by a status or a type need at a million purchases; see
-- docs/performance.md.

-- +goose Up
-- An index by status on the purchases themselves would make every change of
-- status touch all of their indexes: three times the pages and four times the
-- WAL. Most purchases are completed, and are found by walking; this table
-- lists the others, and costs a payment one deleted row.
CREATE TABLE purchases_not_completed (
    id             text COLLATE "C" PRIMARY KEY,
    payment_status text NOT NULL,
    created_at     timestamptz NOT NULL
);
-- Until its triggers stand, nobody may move a purchase past the list.
LOCK TABLE purchase_transactions IN SHARE ROW EXCLUSIVE MODE;
CREATE INDEX purchases_not_completed_newest ON purchases_not_completed (payment_status, created_at DESC, id DESC);
INSERT INTO purchases_not_completed
    SELECT id, payment_status, created_at FROM purchase_transactions WHERE payment_status <> 'completed';

-- +goose StatementBegin
CREATE FUNCTION list_not_completed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        -- An array, because a join might be planned as a scan of the whole table.
        DELETE FROM purchases_not_completed
            WHERE id = ANY (ARRAY(SELECT id FROM changed WHERE payment_status = 'completed'));
    END IF;
    INSERT INTO purchases_not_completed AS l
        SELECT id, payment_status, created_at FROM changed WHERE payment_status <> 'completed'
        ON CONFLICT (id) DO UPDATE SET payment_status = excluded.payment_status
            WHERE l.payment_status <> excluded.payment_status;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER purchase_transactions_made AFTER INSERT ON purchase_transactions
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION list_not_completed();
CREATE TRIGGER purchase_transactions_moved AFTER UPDATE ON purchase_transactions
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION list_not_completed();

CREATE INDEX webhook_events_of_type ON webhook_events (type, received_at DESC, id DESC);
