-- See the same migration of PostgreSQL.

-- +goose Up
ALTER TABLE pricing_plans ADD rollover_hours integer CHECK (rollover_hours >= 0);
ALTER TABLE purchase_transactions ADD rollover_hours integer CHECK (rollover_hours >= 0);
ALTER TABLE hour_lots ADD subscription_id text;
ALTER TABLE hour_lots ADD rollover_hours integer;
ALTER TABLE hour_lots ADD carried integer NOT NULL DEFAULT 0 CHECK (carried >= 0);

-- Lots that purchases left behind which turned out to be another's.
UPDATE student_account_balances SET lots_settled = 0 WHERE lots_settled
    AND student_id IN (SELECT student_id FROM purchase_transactions WHERE merged_into IS NOT NULL);
