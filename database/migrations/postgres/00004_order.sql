-- What two cases need whose outcome still hung on the order of arrival.

-- +goose Up
-- A purchase has the PaymentIntent that it was tied to first. A customer who
-- starts over (another Checkout Session, another attempt) may pay by another
-- one, whose later refunds and disputes name nothing else.
CREATE TABLE purchase_payment_intents (
    id          text COLLATE "C" PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255), -- Stripe's
    purchase_id text COLLATE "C" NOT NULL REFERENCES purchase_transactions
);

-- All that was told of a subscription is kept, not only the latest, so that an
-- invoice finds what held when it was paid.
ALTER TABLE stripe_subscriptions
    DROP CONSTRAINT stripe_subscriptions_pkey,
    ALTER id TYPE text COLLATE "C",
    ALTER student_id TYPE text COLLATE "C", -- of two told in one second, one is kept by its bytes
    ALTER plan_id TYPE text COLLATE "C",
    ALTER stripe_price_id TYPE text COLLATE "C",
    ADD PRIMARY KEY (id, told_at);
