-- See the same migration of PostgreSQL.

-- +goose Up
CREATE TABLE purchase_payment_intents (
    id          text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
    purchase_id text NOT NULL REFERENCES purchase_transactions
);

CREATE TABLE subscriptions_told (
    id              text NOT NULL CHECK (length(id) BETWEEN 1 AND 255),
    student_id      text,
    plan_id         text,
    stripe_price_id text,
    told_at         integer NOT NULL,
    updated_at      datetime NOT NULL,
    PRIMARY KEY (id, told_at)
);
INSERT INTO subscriptions_told SELECT id, student_id, plan_id, stripe_price_id, told_at, updated_at FROM stripe_subscriptions;
DROP TABLE stripe_subscriptions;
ALTER TABLE subscriptions_told RENAME TO stripe_subscriptions;
