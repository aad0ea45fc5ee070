-- An entry says how much of its money was refunded, and how much a dispute
-- holds, so that a month's statement can tell them apart.

-- +goose Up
ALTER TABLE hour_ledger_entries
    ADD amount_refunded bigint, -- signed: how much more is refunded than before; null: nothing
    ADD amount_disputed bigint, -- and how much more disputes hold
    DROP CONSTRAINT ledger_kind_and_signs;
-- What was booked before goes by the type of the event that told it.
ALTER TABLE hour_ledger_entries DISABLE TRIGGER hour_ledger_entries_append_only;
UPDATE hour_ledger_entries l SET
        amount_disputed = CASE WHEN e.type LIKE 'charge.dispute.%' THEN -l.amount END,
        amount_refunded = CASE WHEN e.type LIKE 'charge.dispute.%' THEN NULL ELSE -l.amount END
    FROM webhook_events e
    WHERE e.id = l.event_id AND l.kind IN ('reversal', 'reinstatement') AND l.amount <> 0
        AND (l.kind = 'reversal' OR e.type NOT LIKE 'payment_intent.%');
UPDATE hour_ledger_entries SET amount_refunded = -amount
    WHERE kind = 'reversal' AND amount <> 0 AND amount_refunded IS NULL AND amount_disputed IS NULL;
ALTER TABLE hour_ledger_entries ENABLE TRIGGER hour_ledger_entries_append_only;
ALTER TABLE hour_ledger_entries
    -- A refund may take the place of what a dispute held: then neither hours nor money move.
    ADD CONSTRAINT ledger_kind_and_signs CHECK (CASE kind
        WHEN 'credit'        THEN hours > 0 AND amount >= 0
        WHEN 'payment'       THEN hours = 0 AND amount <> 0
        WHEN 'reversal'      THEN hours <= 0 AND amount <= 0 AND (hours <> 0 OR amount <> 0 OR coalesce(amount_refunded, 0) <> 0)
        WHEN 'reinstatement' THEN hours >= 0 AND amount >= 0 AND (hours <> 0 OR amount <> 0)
        WHEN 'grant'         THEN hours > 0 AND amount = 0
        WHEN 'consumption'   THEN hours < 0 AND amount = 0
        WHEN 'restoration'   THEN hours > 0 AND amount = 0
        WHEN 'adjustment'    THEN hours <> 0
        ELSE false END),
    ADD CONSTRAINT ledger_money_back_of CHECK ((coalesce(amount_refunded, 0) = 0 AND coalesce(amount_disputed, 0) = 0) OR kind IN ('reversal', 'reinstatement'));
