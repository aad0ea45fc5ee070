-- A purchase has the PaymentIntent that it was tied to first. A customer who
-- starts over (another Checkout Session, another attempt) may pay by another
-- one, whose later refunds and disputes name nothing else.

-- +goose Up
CREATE TABLE purchase_payment_intents (
    id          text COLLATE "C" PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255), -- Stripe's
    purchase_id text COLLATE "C" NOT NULL REFERENCES purchase_transactions
);
