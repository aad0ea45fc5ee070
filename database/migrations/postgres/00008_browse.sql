-- What the lists and the search need at a million students and purchases; see
-- docs/performance.md.

-- +goose Up
-- The list of students is by when their accounts were opened: that never
-- changes, so that no payment pays for its index, as it would for one of
-- updated_at. The first purchase opened those that are there.
ALTER TABLE student_account_balances ADD created_at timestamptz;
UPDATE student_account_balances a SET created_at = coalesce(
    (SELECT min(p.created_at) FROM purchase_transactions p WHERE p.student_id = a.student_id), updated_at);
ALTER TABLE student_account_balances ALTER created_at SET NOT NULL, ALTER created_at SET DEFAULT now();
CREATE INDEX student_account_balances_newest ON student_account_balances (created_at DESC, student_id DESC);
-- Few are; an update that leaves it as it was doesn't touch the index.
CREATE INDEX student_account_balances_overdrawn_newest ON student_account_balances (created_at DESC, student_id DESC) WHERE overdrawn;

-- A plan that sold little is not found by walking through all purchases.
CREATE INDEX purchase_transactions_of_plan ON purchase_transactions (plan_id, created_at DESC, id DESC) WHERE plan_id IS NOT NULL;
-- A lesson is found by its reference. Payments have none.
CREATE INDEX hour_ledger_entries_of_reference ON hour_ledger_entries (reference) WHERE reference IS NOT NULL;

-- Stripe customers and subscriptions, which several purchases have in common.
-- An index on the purchases' own column would make each payment that tells its
-- customer touch all of their indexes.
CREATE TABLE shared_keys (
    key         text COLLATE "C" NOT NULL CHECK (length(key) BETWEEN 1 AND 255), -- Stripe's id
    purchase_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (key, purchase_id)
);
INSERT INTO shared_keys SELECT stripe_customer_id, id FROM purchase_transactions WHERE stripe_customer_id IS NOT NULL;
