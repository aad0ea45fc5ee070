-- See the same migration of PostgreSQL.

-- +goose Up
CREATE TABLE purchases_not_completed (
    id             text PRIMARY KEY,
    payment_status text NOT NULL,
    created_at     timestamp NOT NULL
);
CREATE INDEX purchases_not_completed_newest ON purchases_not_completed (payment_status, created_at DESC, id DESC);
INSERT INTO purchases_not_completed
    SELECT id, payment_status, created_at FROM purchase_transactions WHERE payment_status <> 'completed';

-- +goose StatementBegin
CREATE TRIGGER purchase_transactions_made AFTER INSERT ON purchase_transactions WHEN NEW.payment_status <> 'completed'
BEGIN
    INSERT INTO purchases_not_completed VALUES (NEW.id, NEW.payment_status, NEW.created_at);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER purchase_transactions_moved AFTER UPDATE OF payment_status ON purchase_transactions WHEN NEW.payment_status <> OLD.payment_status
BEGIN
    DELETE FROM purchases_not_completed WHERE id = NEW.id;
    INSERT INTO purchases_not_completed SELECT NEW.id, NEW.payment_status, NEW.created_at WHERE NEW.payment_status <> 'completed';
END;
-- +goose StatementEnd

CREATE INDEX webhook_events_of_type ON webhook_events (type, received_at DESC, id DESC);
