-- What a subscription keeps of its earlier periods when it renews.

-- +goose Up
ALTER TABLE pricing_plans ADD rollover_hours bigint CHECK (rollover_hours >= 0); -- null: all
ALTER TABLE purchase_transactions ADD rollover_hours bigint CHECK (rollover_hours >= 0);
ALTER TABLE hour_lots
    ADD subscription_id text COLLATE "C",
    ADD rollover_hours bigint, -- of a renewal: how much of what came before is kept
    ADD carried bigint NOT NULL DEFAULT 0 CHECK (carried >= 0); -- of that, drawn by lessons since

-- Lots that purchases left behind which turned out to be another's.
UPDATE student_account_balances SET lots_settled = false WHERE lots_settled
    AND student_id IN (SELECT student_id FROM purchase_transactions WHERE merged_into IS NOT NULL);
