package sandbox

import "strings"

// testCard is one of Stripe's test cards and what happens to its payments.
// https://docs.stripe.com/testing
type testCard struct {
	number  string // ids of payment methods and tokens stand for it too
	brand   string
	funding string
	decline *decline   // the issuer's refusal
	auth    bool       // asks its holder to authenticate
	dispute string     // the reason for which its payments are disputed
	inquiry bool       // and only as an inquiry
	refund  refundFate // what becomes of its refunds
}

// decline is why a card was refused.
// https://docs.stripe.com/declines/codes
type decline struct{ code, reason, message string }

// refundFate is what becomes of a refund by itself.
// https://docs.stripe.com/testing#refunds
type refundFate int

const (
	refundSucceeds  refundFate = iota
	refundPending              // pending first, then it succeeds
	refundFailsLate            // succeeded first, then it fails
)

func declined(reason string) *decline {
	return &decline{code: "card_declined", reason: reason, message: "Your card was declined."}
}

// testCards are known by the name behind pm_card_ and tok_.
var testCards = map[string]testCard{
	"visa":             {number: "4242424242424242", brand: "visa"},
	"bypassPending":    {number: "4000000000000077", brand: "visa"},
	"visa_debit":       {number: "4000056655665556", brand: "visa", funding: "debit"},
	"mastercard":       {number: "5555555555554444", brand: "mastercard"},
	"mastercard_debit": {number: "5200828282828210", brand: "mastercard", funding: "debit"},
	"amex":             {number: "378282246310005", brand: "amex"},
	"discover":         {number: "6011111111111117", brand: "discover"},

	"chargeDeclined":                      {number: "4000000000000002", decline: declined("generic_decline")},
	"chargeDeclinedInsufficientFunds":     {number: "4000000000009995", decline: &decline{"card_declined", "insufficient_funds", "Your card has insufficient funds."}},
	"chargeDeclinedLostCard":              {number: "4000000000009987", decline: declined("lost_card")},
	"chargeDeclinedStolenCard":            {number: "4000000000009979", decline: declined("stolen_card")},
	"chargeDeclinedFraudulent":            {number: "4100000000000019", decline: declined("fraudulent")},
	"chargeDeclinedExpiredCard":           {number: "4000000000000069", decline: &decline{"expired_card", "", "Your card has expired."}},
	"chargeDeclinedIncorrectCvc":          {number: "4000000000000127", decline: &decline{"incorrect_cvc", "", "Your card's security code is incorrect."}},
	"chargeDeclinedProcessingError":       {number: "4000000000000119", decline: &decline{"processing_error", "", "An error occurred while processing your card. Try again in a little bit."}},
	"chargeDeclinedVelocityLimitExceeded": {number: "4000000000006975", decline: declined("card_velocity_exceeded")},
	"chargeCustomerFail":                  {number: "4000000000000341", decline: declined("generic_decline")},

	"authenticationRequired":        {number: "4000002760003184", auth: true},
	"authenticationRequiredOnSetup": {number: "4000002500003155", auth: true},
	"threeDSecureRequired":          {number: "4000000000003220", auth: true},
	"threeDSecure2Required":         {number: "4000000000003220", auth: true},
	"authenticationRequiredChargeDeclinedInsufficientFunds": {number: "4000008260003178", auth: true,
		decline: &decline{"card_declined", "insufficient_funds", "Your card has insufficient funds."}},

	"createDispute":                   {number: "4000000000000259", dispute: "fraudulent"},
	"createDisputeProductNotReceived": {number: "4000000000002685", dispute: "product_not_received"},
	"createDisputeInquiry":            {number: "4000000000001976", dispute: "general", inquiry: true},

	"pendingRefund": {number: "4000000000007726", refund: refundPending},
	"refundFail":    {number: "4000000000005126", refund: refundFailsLate},
}

// cardAliases are other names for the same cards.
var cardAliases = map[string]string{
	"visa_chargeDeclined":                  "chargeDeclined",
	"visa_chargeDeclinedInsufficientFunds": "chargeDeclinedInsufficientFunds",
	"visa_chargeDeclinedExpiredCard":       "chargeDeclinedExpiredCard",
	"visa_refund_fail":                     "refundFail",
}

// cardNamed finds a card by the name behind pm_card_ or tok_.
func cardNamed(name string) (testCard, bool) {
	if other, ok := cardAliases[name]; ok {
		name = other
	}
	card, ok := testCards[name]
	return card.complete(), ok
}

// cardNumbered finds a card by its number, with or without spaces.
func cardNumbered(number string) (testCard, bool) {
	number = strings.NewReplacer(" ", "", "-", "").Replace(number)
	for _, card := range testCards {
		if card.number == number {
			return card.complete(), true
		}
	}
	return testCard{}, false
}

func (t testCard) complete() testCard {
	if t.brand == "" {
		t.brand = "visa"
	}
	if t.funding == "" {
		t.funding = "credit"
	}
	return t
}

func (t testCard) last4() string {
	if len(t.number) < 4 {
		return t.number
	}
	return t.number[len(t.number)-4:]
}

// debitFails holds the test IBANs whose payments fail; all others succeed,
// though not at once. https://docs.stripe.com/testing#sepa-direct-debit
var debitFails = map[string]bool{
	"AT861904300235473202":        true,
	"DE62370400440532013001":      true,
	"IT60X0542811101000000123456": true, // what the CLI's failing fixture uses
}
