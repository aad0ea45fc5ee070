// Package words is what the console's templates say things with.
package words

import (
	"cmp"
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"hourbank/models"
	"hourbank/services"
	"hourbank/services/ingest"
	"hourbank/services/paging"
	"hourbank/services/sales"
)

// Funcs are what templates call.
var Funcs = template.FuncMap{
	"money": writeMoney,
	"time":  writeTime,
	"human": Human,
	"text":  Text,
	"dots":  breakAtDots,
	"tone":  tone,
	"why":   why,
	"means": func(kind models.CaseKind) string { return caseWords[kind] },
	"doing": func(kind models.CaseKind) string { return doings[kind] },
	"told":  told,
	"upper": strings.ToUpper,
	"minus": func(h models.Hours) models.Hours { return -h },
	"less":  func(a, b models.Hours) models.Hours { return a - b },
	"half":  func(h models.Hours) models.Hours { return h / 2 },
	"order": func(sort string) string { return orders[sort] },
	"sum": func(amount int64, currency string) string { // of many; nothing has no currency
		if amount == 0 {
			return "–"
		}
		return models.FormatMoney(amount, currency)
	},
	"list": func(values ...any) []any { return values },
	"unix": func(seconds int64) time.Time { return time.Unix(seconds, 0) },
}

// writeMoney writes an amount; of an account that has no currency yet, that
// there is none.
func writeMoney(amount int64, currency any) (string, error) {
	switch currency := currency.(type) {
	case string:
		return models.FormatMoney(amount, currency), nil
	case *string:
		if currency != nil {
			return models.FormatMoney(amount, *currency), nil
		}
		return "–", nil
	}
	return "", fmt.Errorf("%T is no currency", currency)
}

// Human writes a word of the API as people do.
func Human(word any) string { return strings.ReplaceAll(fmt.Sprint(word), "_", " ") }

// orders say how a list can be sorted.
var orders = map[string]string{
	paging.SortNewest: "newest first", paging.SortOldest: "oldest first",
	services.SortUrgent: "most urgent first", sales.SortStudent: "by student",
}

// writeTime writes a time, or nil, in UTC.
func writeTime(t any) template.HTML {
	var at time.Time
	switch t := t.(type) {
	case time.Time:
		at = t.UTC()
	case *time.Time:
		if t == nil {
			return "–"
		}
		at = t.UTC()
	}
	return template.HTML(at.Format(`<time datetime="2006-01-02T15:04:05Z">2 Jan 2006, 15:04:05</time>`)) //nolint:gosec // digits and month names
}

// Text writes a string that may be missing.
func Text(value any) string {
	switch value := value.(type) {
	case *string:
		if value != nil {
			return *value
		}
	case *models.Reason:
		if value != nil {
			return string(*value)
		}
	}
	return "–"
}

// breakAtDots lets an event's type go on in the next line after a dot, where
// it has no room.
func breakAtDots(eventType string) template.HTML {
	return template.HTML(strings.ReplaceAll(template.HTMLEscapeString(eventType), ".", ".<wbr>")) //nolint:gosec // escaped
}

// tone is a status's colour: whether all is well, something is open, or a
// person should look.
func tone(status any) string {
	switch fmt.Sprint(status) {
	case "closed", "delivered", "grant", "completed", "succeeded", "won", "processed", "credit", "reinstatement", "restoration":
		return "good"
	case "due", "pending", "processing", "parked", "partially_refunded", "refunded", "underpaid", "overpaid", "other_currency", "unclear_refund":
		return "open"
	case "open", "failed", "lost", "disputed", "rejected", "overdrawn", "reversal", "dispute", "refund_failed", "unmatched_payment", "unexplained_invoice":
		return "bad"
	default:
		return "plain"
	}
}

// reasons say why an event ended as it did, and what to do about it.
var reasons = map[models.Reason]string{
	models.ReasonStale:            "It told nothing new.",
	models.ReasonUnsupportedType:  "Events of this type move no hours.",
	models.ReasonUnmatched:        "No purchase was found for it in time. If there should be one, make it, then replay the event.",
	models.ReasonLivemodeMismatch: "It is of the other mode (test or live) than the configured key.",
	models.ReasonNotAPeriod:       "The invoice sells no period of a subscription, or was paid with nothing.",
	models.ReasonForeignAccount:   "It is of another Stripe account than ours.",
	models.ReasonMissingObject:    "Stripe sent no object with an id in it.",
}

// caseWords say what a case is about, and what to do about it.
var caseWords = map[models.CaseKind]string{
	models.CaseDispute:            "A dispute or inquiry waits for an answer in Stripe's dashboard.",
	models.CaseUnderpaid:          "Less was received than is due. Ask for the rest, refund, or accept it as paid in full.",
	models.CaseOverpaid:           "More is kept than is due. Refund what is too much.",
	models.CaseOtherCurrency:      "Money came in another currency than the purchase's or its student's account. Refund it (what is not booked, in Stripe's dashboard), or accept it as paid in full.",
	models.CaseRefundFailed:       "A refund did not reach the customer. Refund again, or pay the customer another way.",
	models.CaseUnclearRefund:      "What went back, or is disputed, could be the release of an authorisation, or is of a payment that paid several purchases. The likelier reading counts: compare it with Stripe.",
	models.CaseUnknownStatus:      "Stripe tells a status that this version doesn't know. It holds nothing until it does.",
	models.CaseTooMany:            "More objects were told of this purchase than are kept.",
	models.CaseOverdrawn:          "Hours were used that are no longer paid. Ask for the money, or adjust the hours.",
	models.CaseUnmatchedPayment:   "No purchase is known for this payment. Make one, or give the payment to a student and plan.",
	models.CaseUnexplainedInvoice: "No plan explains this invoice's lines, or its student is not known. Add the plan with its Stripe price, or give the payment to a student and plan.",
	models.CaseMissingObject:      "Stripe sent no object with an id in it.",
	models.CaseUnfetchedEvent:     "The event can't be read without asking Stripe, which needs STRIPE_SECRET_KEY.",
	models.CaseUndelivered:        "An endpoint of EVENTS_URLS took no event for three days. Mend it, then send again what was given up: see the list of deliveries.",
}

// doings name what a person would do first about a case.
var doings = map[models.CaseKind]string{
	models.CaseDispute:            "Answer or refund",
	models.CaseUnderpaid:          "Accept, refund or adjust",
	models.CaseOverpaid:           "Refund what is too much",
	models.CaseOtherCurrency:      "Accept or refund",
	models.CaseRefundFailed:       "Refund again",
	models.CaseUnclearRefund:      "Compare with Stripe",
	models.CaseUnknownStatus:      "Look at it",
	models.CaseTooMany:            "Look at it",
	models.CaseOverdrawn:          "Adjust the hours",
	models.CaseUnmatchedPayment:   "Give it to a student",
	models.CaseUnexplainedInvoice: "Give it to a student",
	models.CaseMissingObject:      "Look at it",
	models.CaseUnfetchedEvent:     "Look at it",
	models.CaseUndelivered:        "Mend the endpoint",
}

// Age is how long something took, to the unit that people would say.
func Age(ago time.Duration) string {
	switch {
	case ago < time.Hour:
		return count(int(ago.Minutes()), "minute")
	case ago < 48*time.Hour:
		return count(int(ago.Hours()), "hour")
	default:
		return count(int(ago.Hours()/24), "day")
	}
}

func count(n int, unit string) string {
	if n != 1 {
		unit += "s"
	}
	return strconv.Itoa(n) + " " + unit
}

// why explains an event's reason; a parked one waits for its purchase.
func why(status models.EventStatus, reason *models.Reason) string {
	if reason != nil {
		return cmp.Or(reasons[*reason], caseWords[models.CaseKind(*reason)])
	}
	if status == models.EventParked {
		return "No purchase is known for it yet. It is tried again by itself."
	}
	return ""
}

// told says in a sentence what an event changed, or would change.
func told(change ingest.PurchaseChange, reason *models.Reason) string {
	var changes []string
	if credited := change.CreditedAfter - change.CreditedBefore; credited != 0 {
		changes = append(changes, credited.String()+" hours credited")
	}
	switch reversed := change.ReversedAfter - change.ReversedBefore; {
	case reversed > 0:
		changes = append(changes, reversed.String()+" hours reversed")
	case reversed < 0:
		changes = append(changes, (-reversed).String()+" hours reinstated")
	}
	if change.StatusBefore != change.StatusAfter {
		changes = append(changes, fmt.Sprintf("status from %s to %s", change.StatusBefore, change.StatusAfter))
	}
	if len(changes) > 0 {
		return strings.ToUpper(changes[0][:1]) + strings.Join(changes, ", ")[1:] + "."
	}
	if reason != nil {
		return cmp.Or(reasons[*reason], caseWords[models.CaseKind(*reason)], "No hours moved.")
	}
	return "No hours moved."
}
