package money_test

import (
	"fmt"

	"hourbank/models/money"
)

// What Stripe tells is evidence. It may come in any order and any number of times: the
// hours are a function of all that is known.
func Example() {
	terms := money.Terms{Amount: 28000, Currency: "eur", Hours: 1000, Sold: true} // 10.00 hours
	paid := money.Evidence{Payments: map[string]money.Payment{
		"pi_1": {Currency: "eur", Received: money.Received{At: 1, Amount: 28000}},
	}}
	refunded := money.Evidence{Refunds: map[string]money.Refund{
		"re_1": {PaymentIntent: "pi_1", RefundState: money.RefundState{At: 2, Status: "succeeded", Amount: 14000, Currency: "eur", Created: 2}},
	}}
	for _, told := range [][]money.Evidence{{paid}, {paid, refunded}, {refunded, paid, paid}} {
		d := money.Derive(terms, money.JoinAll(told))
		fmt.Println(d.Status, d.HoursCredited, "credited,", d.HoursReversed, "reversed")
	}
	// Output:
	// completed 10.00 credited, 0.00 reversed
	// partially_refunded 10.00 credited, 5.00 reversed
	// partially_refunded 10.00 credited, 5.00 reversed
}

// Joining is learning: what is known already changes nothing.
func ExampleJoin() {
	told := money.Evidence{Payments: map[string]money.Payment{
		"pi_1": {Currency: "eur", Received: money.Received{At: 1, Amount: 5000}},
	}}
	known := money.Join(money.Evidence{}, told)
	known = money.Join(known, told)
	fmt.Println(known.Largest())
	// Output: 5000 eur
}
