-- See the same migration of PostgreSQL.

-- +goose Up
-- SQLite adds no column whose default is the time; every insert names it.
ALTER TABLE student_account_balances ADD created_at datetime NOT NULL DEFAULT '0001-01-01 00:00:00+00:00';
UPDATE student_account_balances SET created_at = coalesce(
    (SELECT min(p.created_at) FROM purchase_transactions p WHERE p.student_id = student_account_balances.student_id), updated_at);
CREATE INDEX student_account_balances_newest ON student_account_balances (created_at DESC, student_id DESC);
CREATE INDEX student_account_balances_overdrawn_newest ON student_account_balances (created_at DESC, student_id DESC) WHERE overdrawn;

CREATE INDEX purchase_transactions_of_plan ON purchase_transactions (plan_id, created_at DESC, id DESC) WHERE plan_id IS NOT NULL;
CREATE INDEX hour_ledger_entries_of_reference ON hour_ledger_entries (reference) WHERE reference IS NOT NULL;

CREATE TABLE shared_keys (
    key         text NOT NULL CHECK (length(key) BETWEEN 1 AND 255), -- Stripe's id
    purchase_id text NOT NULL,
    PRIMARY KEY (key, purchase_id)
) WITHOUT ROWID;
INSERT INTO shared_keys SELECT stripe_customer_id, id FROM purchase_transactions WHERE stripe_customer_id IS NOT NULL;
