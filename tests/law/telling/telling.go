// Package telling makes up histories as Stripe could tell them, and says what
// must come of them.
//
// Draw is a small simulation of Stripe that emits whole events. Expect is an
// independent and naive reading of money.md: it collects everything that the
// events tell into sets, joins what refers to each other, and then computes
// every purchase from scratch. It knows nothing of the simulation, shares no
// code with the service, and depends on neither order nor repeats.
package telling

import (
	"fmt"
	"strings"

	"github.com/tidwall/gjson"
)

// Sale is a purchase that the service sold itself, before any event. The
// metadata of its PaymentIntent and Checkout Session carry
// purchase_transaction_id and student_id.
type Sale struct {
	PurchaseID, StudentID          string
	Hours                          int64 // hundredths
	Price                          int64
	Currency                       string
	PaymentIntent, CheckoutSession string // may be empty
}

// Plan is a row of the price list.
type Plan struct {
	ID                      string
	Hours                   int64 // hundredths
	Amount                  int64
	Currency, StripePriceID string
}

// History is what was sold, and what Stripe told since.
type History struct {
	Plans  []Plan
	Sales  []Sale   // the one that was sold first comes first
	Events []string // whole events, in the order in which Stripe made them
	Note   []string // a line for each event, for people
	Tags   []string // which features it has, sorted, each once
}

// Outcome is what must be true once all of that was told.
type Outcome struct {
	Purchases   []Purchase
	Adjustments []Adjustment // downgrades: hours taken off with an invoice as reference
	Unmatched   []string     // payments that succeeded, were refunded or disputed, and have no purchase
	Unexplained []string     // paid invoices that no plan or no student explains
}

// Purchase is one purchase. One that was left with none after a merge is not
// listed.
type Purchase struct {
	ID                           string   // of a Sale; empty if Stripe began it
	Keys                         []string // every pi_, ch_, cs_ and in_ that belongs to it, sorted
	StudentID                    string
	Price, Hours, Due            int64
	Currency                     string
	Status                       string
	HoursCredited, HoursReversed int64
	Received, Refunded, Disputed int64
	Kept                         int64
	Cases                        []Case
}

// Case is an open case of a purchase. Payment is empty where the case is about
// the purchase itself.
type Case struct {
	Kind, Payment string
	Amount        int64
	Currency      string
}

// Adjustment takes hours (below 0) off a student.
type Adjustment struct {
	StudentID, Invoice string
	Hours              int64
}

// String shows a history to people.
func (h History) String() string {
	var b strings.Builder
	for _, s := range h.Sales {
		fmt.Fprintf(&b, "sale %+v\n", s)
	}
	for i, note := range h.Note {
		fmt.Fprintf(&b, "%s\n    %s\n", note, gjson.Get(h.Events[i], "data.object").Raw)
	}
	return b.String()
}

// GoString keeps what rapid prints short.
func (h History) GoString() string { return h.String() }
