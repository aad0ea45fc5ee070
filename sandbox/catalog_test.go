package sandbox_test

import (
	"testing"

	"github.com/stripe/stripe-go/v76"
)

func TestCustomerAndItsPaymentMethods(t *testing.T) {
	b := start(t)
	cus, err := b.api.Customers.New(&stripe.CustomerParams{Email: stripe.String("s@example.com"), Description: stripe.String("a student")})
	ok(t, err)
	pm, err := b.api.PaymentMethods.Attach("pm_card_mastercard", &stripe.PaymentMethodAttachParams{Customer: &cus.ID})
	ok(t, err)
	equal(t, "attached", pm.Customer.ID, cus.ID)
	update := &stripe.CustomerParams{Name: stripe.String("Jo"),
		InvoiceSettings: &stripe.CustomerInvoiceSettingsParams{DefaultPaymentMethod: &pm.ID}}
	update.AddMetadata("student_id", "s_1")
	_, err = b.api.Customers.Update(cus.ID, update)
	ok(t, err)
	cus, err = b.api.Customers.Get(cus.ID, nil)
	ok(t, err)
	equal(t, "name", cus.Name, "Jo")
	equal(t, "kept", cus.Description, "a student")
	equal(t, "default", cus.InvoiceSettings.DefaultPaymentMethod.ID, pm.ID)
	list := b.api.Customers.List(&stripe.CustomerListParams{Email: stripe.String("s@example.com")})
	equal(t, "listed", list.Next(), true)
	got, err := b.api.PaymentMethods.Get(pm.ID, nil)
	ok(t, err)
	equal(t, "brand", got.Card.Brand, stripe.PaymentMethodCardBrandMastercard)
	equalTypes(t, b.types(), "customer.created", "payment_method.attached", "customer.updated")
}

func TestProductsAndPrices(t *testing.T) {
	b := start(t)
	product, err := b.api.Products.New(&stripe.ProductParams{Name: stripe.String("10 hours")})
	ok(t, err)
	price, err := b.api.Prices.New(&stripe.PriceParams{Product: &product.ID, Currency: stripe.String("eur"), UnitAmount: stripe.Int64(5000)})
	ok(t, err)
	equal(t, "of the product", price.Product.ID, product.ID)
	_, err = b.api.Prices.New(&stripe.PriceParams{Currency: stripe.String("eur"), UnitAmount: stripe.Int64(5000)})
	refused(t, err, 400, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodeParameterMissing)
}

func TestCharges(t *testing.T) {
	b := start(t)
	pi := b.pay(1000, "pm_card_visa")
	b.pay(1000, "pm_card_visa")
	list := b.api.Charges.List(&stripe.ChargeListParams{PaymentIntent: &pi.ID, Expand: stripe.StringSlice([]string{"data.payment_intent"})})
	n := 0
	for ; list.Next(); n++ {
		equal(t, "expanded", list.Charge().PaymentIntent.Amount, 1000)
	}
	ok(t, list.Err())
	equal(t, "of the intent", n, 1)
	params := &stripe.ChargeParams{Description: stripe.String("lesson")}
	ch, err := b.api.Charges.Update(pi.LatestCharge.ID, params)
	ok(t, err)
	equal(t, "description", ch.Description, "lesson")
}

func TestManualInvoice(t *testing.T) {
	b := start(t)
	cus, err := b.api.Customers.New(nil)
	ok(t, err)
	_, err = b.api.Invoices.New(&stripe.InvoiceParams{Customer: &cus.ID, PendingInvoiceItemsBehavior: stripe.String("include")})
	if err == nil {
		t.Error("an invoice of nothing")
	}
	_, err = b.api.InvoiceItems.New(&stripe.InvoiceItemParams{Customer: &cus.ID, Amount: stripe.Int64(2000), Currency: stripe.String("eur")})
	ok(t, err)
	inv, err := b.api.Invoices.New(&stripe.InvoiceParams{Customer: &cus.ID, PendingInvoiceItemsBehavior: stripe.String("include")})
	ok(t, err)
	equal(t, "draft", inv.Status, stripe.InvoiceStatusDraft)
	inv, err = b.api.Invoices.FinalizeInvoice(inv.ID, nil)
	ok(t, err)
	equal(t, "open", inv.Status, stripe.InvoiceStatusOpen)
	_, err = b.api.Invoices.Pay(inv.ID, nil)
	refused(t, err, 400, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodeResourceMissing)
	inv, err = b.api.Invoices.Pay(inv.ID, &stripe.InvoicePayParams{PaymentMethod: stripe.String("pm_card_visa")})
	ok(t, err)
	equal(t, "paid", inv.AmountPaid, 2000)
	equal(t, "reason", inv.BillingReason, stripe.InvoiceBillingReasonManual)
	invoices := b.api.Invoices.List(&stripe.InvoiceListParams{Customer: &cus.ID, Status: stripe.String("paid")})
	equal(t, "listed", invoices.Next(), true)
	equal(t, "book", b.Books()[0].Invoice, inv.ID)
}

func TestFreeSubscriptionNeedsNoPayment(t *testing.T) {
	b := start(t)
	cus, err := b.api.Customers.New(&stripe.CustomerParams{PaymentMethod: stripe.String("pm_card_visa")})
	ok(t, err)
	sub, err := b.api.Subscriptions.New(&stripe.SubscriptionParams{Customer: &cus.ID, Items: []*stripe.SubscriptionItemsParams{{
		PriceData: &stripe.SubscriptionItemPriceDataParams{Currency: stripe.String("eur"), UnitAmount: stripe.Int64(0), Product: stripe.String(b.product()),
			Recurring: &stripe.SubscriptionItemPriceDataRecurringParams{Interval: stripe.String("month")}}}}})
	ok(t, err)
	equal(t, "status", sub.Status, stripe.SubscriptionStatusActive)
	equal(t, "no payment", len(b.Books()), 0)
	update := &stripe.SubscriptionParams{CancelAtPeriodEnd: stripe.Bool(true)}
	update.AddMetadata("student_id", "s_2")
	sub, err = b.api.Subscriptions.Update(sub.ID, update)
	ok(t, err)
	equal(t, "to end", sub.CancelAtPeriodEnd, true)
	list := b.api.Subscriptions.List(&stripe.SubscriptionListParams{Customer: &cus.ID})
	equal(t, "listed", list.Next(), true)
}

func (b *bench) product() string {
	b.t.Helper()
	product, err := b.api.Products.New(&stripe.ProductParams{Name: stripe.String("free")})
	ok(b.t, err)
	return product.ID
}
