-- See the same migration of PostgreSQL.

-- +goose Up
CREATE TABLE purchase_payment_intents (
    id          text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
    purchase_id text NOT NULL REFERENCES purchase_transactions
);
