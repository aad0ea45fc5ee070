package console

import (
	"cmp"
	"fmt"
	"html/template"
	"strings"
	"time"

	"hourbank/models"
	"hourbank/services/accounting"
	"hourbank/services/ingest"
)

// words are what the templates say things with.
var words = template.FuncMap{
	"money": models.FormatMoney,
	"time":  writeTime,
	"human": func(word any) string { return strings.ReplaceAll(fmt.Sprint(word), "_", " ") },
	"text":  optionalText,
	"tone":  tone,
	"why":   why,
	"means": func(kind models.CaseKind) string { return caseWords[kind] },
	"told":  told,
	"upper": strings.ToUpper,
	"minus": func(h models.Hours) models.Hours { return -h },
	"less":  func(a, b models.Hours) models.Hours { return a - b },
	"sum": func(amount int64, currency string) string { // of many; nothing has no currency
		if amount == 0 {
			return "–"
		}
		return models.FormatMoney(amount, currency)
	},
	"period":    writePeriod,
	"csv":       csvAddress,
	"statement": func(p accounting.Period) string { return "/console/statement/?" + p.Query().Encode() },
	"half":      func(h models.Hours) models.Hours { return h / 2 },
	"list":      func(values ...any) []any { return values },

	"student":  studentAddress,
	"purchase": purchaseAddress,
	"event":    eventAddress,
	"case":     caseAddress,
	"unix":     func(seconds int64) time.Time { return time.Unix(seconds, 0) },
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

// optionalText writes a string that may be missing.
func optionalText(value any) string {
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

// tone is a status's colour: whether all is well, something is open, or a
// person should look.
func tone(status any) string {
	switch fmt.Sprint(status) {
	case "completed", "succeeded", "won", "processed", "credit", "reinstatement", "restoration":
		return "good"
	case "pending", "processing", "parked", "partially_refunded", "refunded", "underpaid", "overpaid", "other_currency", "unclear_refund":
		return "open"
	case "failed", "lost", "disputed", "rejected", "overdrawn", "reversal", "dispute", "refund_failed", "unmatched_payment", "unexplained_invoice":
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
	models.CaseOtherCurrency:      "Money came in another currency than the purchase's. Refund it, or accept it as paid in full.",
	models.CaseRefundFailed:       "A refund did not reach the customer. Refund again, or pay the customer another way.",
	models.CaseUnclearRefund:      "What went back could be the release of an authorisation, or is of a payment that paid several purchases. The likelier reading counts: compare it with Stripe.",
	models.CaseUnknownStatus:      "Stripe tells a status that this version doesn't know. It holds nothing until it does.",
	models.CaseTooMany:            "More objects were told of this purchase than are kept.",
	models.CaseOverdrawn:          "Hours were used that are no longer paid. Ask for the money, or adjust the hours.",
	models.CaseUnmatchedPayment:   "No purchase is known for this payment. Make one, or give the payment to a student and plan.",
	models.CaseUnexplainedInvoice: "No plan explains this invoice's lines, or its student is not known. Add the plan with its Stripe price, or give the payment to a student and plan.",
	models.CaseMissingObject:      "Stripe sent no object with an id in it.",
	models.CaseUnfetchedEvent:     "The event can't be read without asking Stripe, which needs STRIPE_SECRET_KEY.",
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
		changes = append(changes, (-reversed).String()+" hours given back")
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
