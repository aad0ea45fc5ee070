package database

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/tidwall/gjson"

	"hourbank/models/money"
)

// evidenceMigration turns what purchases knew of one payment into evidence by
// Stripe's objects, and notes the ids by which events find them. What the
// ledger says stays as it is; where the old rules were wrong, "hourbank
// rebuild" posts the difference.
func (db *DB) evidenceMigration() *goose.Migration {
	return goose.NewGoMigration(6, &goose.GoFunc{RunTx: db.migrateEvidence}, nil)
}

// oldEvidence is what a purchase kept of its events until migration 5.
type oldEvidence struct {
	Paid, Mismatched *struct {
		Amount   int64
		Currency string
		At       int64
	}
	Processing        *int64
	Failed, Cancelled *money.Setback
	RefundTotal       *struct{ Amount, At int64 } `json:"refund_total"`
	Refunds           map[string]struct {
		Amount, Created, At int64
		Status              string
		FailedAt            int64 `json:"failed_at"`
	}
	Disputes map[string]struct {
		Amount, At int64
		Status     string
		Reinstated bool
	}
}

// oldPurchase is what of a row says whose the old evidence was.
type oldPurchase struct {
	id, currency             string
	amount                   int64
	evidence                 string
	intent, session, invoice sql.NullString
	charge                   string // that was refunded; empty: none, or no event told
}

const evidenceChunk = 500

func (db *DB) migrateEvidence(ctx context.Context, tx *sql.Tx) error {
	others, err := otherIntents(ctx, tx)
	if err != nil {
		return err
	}
	for after := ""; ; {
		purchases, err := db.oldPurchases(ctx, tx, after)
		if err != nil {
			return err
		}
		for _, p := range purchases {
			if strings.Contains(p.evidence, `"refund_total"`) {
				if p.charge, err = db.refundedCharge(ctx, tx, p.id); err != nil {
					return err
				}
			}
			if err := db.convertEvidence(ctx, tx, p, others[p.id]); err != nil {
				return fmt.Errorf("convert the evidence of purchase %s: %w", p.id, err)
			}
			after = p.id
		}
		if len(purchases) < evidenceChunk {
			break
		}
	}
	for _, statement := range []string{
		// Money that did not match the price was shown, but in no ledger: what
		// is told next, or a rebuild, posts it.
		"UPDATE purchase_transactions SET amount_received = 0 WHERE hours_credited = 0 AND amount_received <> 0",
		"DROP TABLE purchase_payment_intents",
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

func otherIntents(ctx context.Context, tx *sql.Tx) (map[string][]string, error) {
	rows, err := tx.QueryContext(ctx, "SELECT purchase_id, id FROM purchase_payment_intents")
	if err != nil {
		return nil, fmt.Errorf("read further PaymentIntents: %w", err)
	}
	defer rows.Close() //nolint:errcheck // read to its end
	others := map[string][]string{}
	for rows.Next() {
		var purchase, intent string
		if err := rows.Scan(&purchase, &intent); err != nil {
			return nil, err
		}
		others[purchase] = append(others[purchase], intent)
	}
	return others, rows.Err()
}

func (db *DB) oldPurchases(ctx context.Context, tx *sql.Tx, after string) ([]oldPurchase, error) {
	rows, err := tx.QueryContext(ctx, db.numbered(`SELECT id, currency, amount, evidence, stripe_payment_intent_id,
		stripe_checkout_session_id, stripe_invoice_id FROM purchase_transactions WHERE id > ? ORDER BY id LIMIT ?`), after, evidenceChunk)
	if err != nil {
		return nil, fmt.Errorf("read purchases: %w", err)
	}
	defer rows.Close() //nolint:errcheck // read to its end
	var purchases []oldPurchase
	for rows.Next() {
		var p oldPurchase
		if err := rows.Scan(&p.id, &p.currency, &p.amount, &p.evidence, &p.intent, &p.session, &p.invoice); err != nil {
			return nil, err
		}
		purchases = append(purchases, p)
	}
	return purchases, rows.Err()
}

// convert puts the old evidence under the ids of the objects that it was of:
// the PaymentIntent, else the invoice or Checkout Session.
func (p oldPurchase) convert(others []string) (e money.Evidence, err error) {
	var old oldEvidence
	if err := json.Unmarshal([]byte(p.evidence), &old); err != nil {
		return e, err
	}
	attempts := money.Attempts{Processing: old.Processing, Failed: old.Failed, Cancelled: old.Cancelled}
	received, currency := money.Received{}, ""
	for _, paid := range []*struct {
		Amount   int64
		Currency string
		At       int64
	}{old.Paid, old.Mismatched} {
		if paid != nil && received.Amount == 0 {
			received, currency = money.Received{Amount: paid.Amount, At: paid.At}, paid.Currency
		}
	}
	intent, session, invoice := p.intent.String, p.session.String, p.invoice.String
	if intent != "" {
		e.Payments = map[string]money.Payment{intent: {Sold: invoice == "", Received: received, Currency: currency, Attempts: attempts}}
	}
	for _, other := range others {
		e = money.Join(e, money.Evidence{Payments: map[string]money.Payment{other: {}}})
	}
	if session != "" {
		told := money.Session{PaymentIntent: intent, Sold: intent == ""}
		if intent == "" && invoice == "" {
			told.Attempts = attempts
			if received.Amount > 0 {
				told.Settled = &money.Asked{At: received.At, Subtotal: received.Amount, Total: received.Amount, Currency: currency}
			}
		}
		e.Sessions = map[string]money.Session{session: told}
	}
	if invoice != "" {
		told := money.Invoice{}
		if intent != "" {
			told.Payments = map[string]int64{intent: 0}
			for _, other := range others {
				told.Payments[other] = 0
			}
		} else {
			told.Attempts = attempts
		}
		if received.Amount > 0 {
			told.Paid = &money.Bill{At: received.At, Subtotal: p.amount, Total: received.Amount, Currency: currency}
		}
		e.Invoices = map[string]money.Invoice{invoice: told}
	}
	p.convertMoneyBack(&e, old, intent, received)
	return e, nil
}

// convertMoneyBack keeps refunds and disputes: of the PaymentIntent, else of
// the charge that was refunded.
func (p oldPurchase) convertMoneyBack(e *money.Evidence, old oldEvidence, intent string, received money.Received) {
	charge := p.charge
	if old.RefundTotal != nil || (intent == "" && len(old.Refunds)+len(old.Disputes) > 0) {
		charge = cmp.Or(charge, "charge_of_"+p.id) // no event told its id
		told := money.Charge{PaymentIntent: intent}
		if intent == "" {
			told.Captured, told.Currency = received, p.currency
		}
		if old.RefundTotal != nil {
			told.Refunded = money.RefundTotal{Amount: old.RefundTotal.Amount, At: old.RefundTotal.At, Old: true}
		}
		*e = money.Join(*e, money.Evidence{Charges: map[string]money.Charge{charge: told}})
		if invoice := p.invoice.String; invoice != "" && intent == "" {
			*e = money.Join(*e, money.Evidence{Invoices: map[string]money.Invoice{invoice: {Payments: map[string]int64{charge: 0}}}})
		}
	}
	for id, r := range old.Refunds {
		told := money.Refund{Charge: charge, PaymentIntent: intent, FailedAt: r.FailedAt, RefundState: money.RefundState{
			At: r.At, Status: r.Status, Amount: r.Amount, Currency: p.currency, Created: r.Created,
		}}
		*e = money.Join(*e, money.Evidence{Refunds: map[string]money.Refund{id: told}})
	}
	for id, d := range old.Disputes {
		told := money.Dispute{Charge: charge, PaymentIntent: intent, DisputeState: money.DisputeState{
			At: d.At, Status: d.Status, Amount: d.Amount, Currency: p.currency,
		}}
		if d.Reinstated {
			told.Transactions = map[string]int64{"withdrawn_" + id: -d.Amount, "reinstated_" + id: d.Amount}
		}
		*e = money.Join(*e, money.Evidence{Disputes: map[string]money.Dispute{id: told}})
	}
}

// refundedCharge is the charge whose total of refunds a stored event told.
func (db *DB) refundedCharge(ctx context.Context, tx *sql.Tx, purchase string) (string, error) {
	var payload string
	query := db.numbered("SELECT payload FROM webhook_events WHERE transaction_id = ? AND type = 'charge.refunded' ORDER BY received_at DESC LIMIT 1")
	err := tx.QueryRowContext(ctx, query, purchase).Scan(&payload)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look for a refunded charge: %w", err)
	}
	return gjson.Get(payload, "data.object.id").Str, nil
}

func (db *DB) convertEvidence(ctx context.Context, tx *sql.Tx, p oldPurchase, others []string) error {
	e, err := p.convert(others)
	if err != nil {
		return err
	}
	encoded, err := json.Marshal(e)
	if err != nil {
		return err
	}
	update := db.numbered("UPDATE purchase_transactions SET evidence = ? WHERE id = ?")
	if _, err := tx.ExecContext(ctx, update, string(encoded), p.id); err != nil {
		return err
	}
	insert := db.numbered("INSERT INTO purchase_keys (key, purchase_id) VALUES (?, ?) ON CONFLICT (key) DO NOTHING")
	for _, id := range slices.Compact(slices.Sorted(slices.Values(e.IDs()))) {
		if _, err := tx.ExecContext(ctx, insert, id, p.id); err != nil {
			return err
		}
	}
	return nil
}

// numbered writes a statement's parameters as the engine does.
func (db *DB) numbered(statement string) string {
	if db.Engine == SQLite {
		return statement
	}
	for n := 1; strings.Contains(statement, "?"); n++ {
		statement = strings.Replace(statement, "?", fmt.Sprintf("$%d", n), 1)
	}
	return statement
}
