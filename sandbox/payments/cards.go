package payments

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"strings"
	"sync"

	"hourbank/sandbox/api"
)

// testCard is one of Stripe's test cards and what happens to its payments.
// https://docs.stripe.com/testing
type testCard struct {
	Number  string     // ids of payment methods and tokens stand for it too
	Brand   string     // "visa" where empty
	Funding string     // "credit" where empty
	Decline *decline   // the issuer's refusal
	Auth    bool       // asks its holder to authenticate
	Dispute string     // the reason for which its payments are disputed
	Inquiry bool       // and only as an inquiry
	Refund  refundFate // what becomes of its refunds
}

// decline is why a card was refused.
// https://docs.stripe.com/declines/codes
type decline struct{ Code, Reason, Message string }

// refundFate is what becomes of a refund by itself.
// https://docs.stripe.com/testing#refunds
type refundFate string

const (
	refundPending   refundFate = "pending" // first, then it succeeds
	refundFailsLate refundFate = "fails"   // succeeded first, then it fails
)

//go:embed cards.json
var cardsJSON []byte

// testCards are known by the name behind pm_card_ and tok_.
var testCards = sync.OnceValue(func() map[string]testCard {
	cards := map[string]testCard{}
	if err := json.Unmarshal(cardsJSON, &cards); err != nil {
		panic("cards.json: " + err.Error()) // embedded, so no test would pass
	}
	for name, card := range cards {
		card.Brand, card.Funding = cmp.Or(card.Brand, "visa"), cmp.Or(card.Funding, "credit")
		cards[name] = card
	}
	return cards
})

// readCard finds the test card of a number or a token. What else is typed
// beside a number makes no odds to test cards.
func readCard(f *api.Form) testCard {
	if token, ok := strings.CutPrefix(f.Text("token"), "tok_"); ok {
		card, known := testCards()[token]
		if !known {
			f.Fail(api.NoSuch("token", "tok_"+token, f.Full("token")))
		}
		return card
	}
	for _, typed := range []string{"exp_month", "exp_year", "cvc"} {
		f.At(typed)
	}
	number := bare(f.Required("number"))
	for _, card := range testCards() {
		if card.Number == number {
			return card
		}
	}
	f.Fail(api.NewError(402, api.TypeCard, "Your card number is incorrect: the sandbox takes Stripe's test cards only.").
		With(api.Object{"code": "incorrect_number", "param": f.Full("number")}))
	return testCard{}
}

// debitFails holds the test IBANs whose payments fail; all others succeed,
// though not at once. https://docs.stripe.com/testing#sepa-direct-debit
var debitFails = map[string]bool{
	"AT861904300235473202":        true,
	"DE62370400440532013001":      true,
	"IT60X0542811101000000123456": true, // what the CLI's failing fixture uses
}
