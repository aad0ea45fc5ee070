// Command life lives one payment with the newest stripe-go.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/stripe/stripe-go/v85"
)

func main() {
	ctx := context.Background()
	backends := stripe.NewBackendsWithConfig(&stripe.BackendConfig{URL: &os.Args[1]})
	sc := stripe.NewClient(os.Args[2], stripe.WithBackends(backends))
	pi, err := sc.V1PaymentIntents.Create(ctx, &stripe.PaymentIntentCreateParams{
		Amount: stripe.Int64(2000), Currency: stripe.String("eur"), CaptureMethod: stripe.String("manual"),
		PaymentMethodTypes: []*string{stripe.String("card")},
	})
	check(err)
	_, err = sc.V1PaymentIntents.Confirm(ctx, pi.ID, &stripe.PaymentIntentConfirmParams{PaymentMethod: stripe.String("pm_card_visa")})
	check(err)
	pi, err = sc.V1PaymentIntents.Capture(ctx, pi.ID, &stripe.PaymentIntentCaptureParams{AmountToCapture: stripe.Int64(1500)})
	check(err)
	refund, err := sc.V1Refunds.Create(ctx, &stripe.RefundCreateParams{PaymentIntent: &pi.ID, Amount: stripe.Int64(500)})
	check(err)
	for event, err := range sc.V1Events.List(ctx, &stripe.EventListParams{Type: stripe.String("payment_intent.succeeded")}).All(ctx) {
		check(err)
		fmt.Println(pi.Status, pi.AmountReceived, refund.Amount, event.Type, event.Data.Object["id"] == pi.ID)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
