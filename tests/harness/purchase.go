package harness

import (
	"testing"

	"hourbank/models"
	"hourbank/services/sales"
)

// Purchase is a purchase that waits for its payment, and builds the events
// that Stripe would tell about it.
type Purchase struct {
	ID            string
	Student       string
	PaymentIntent string // empty: not known yet
	Amount        int64
	Currency      string

	tb  testing.TB
	new models.NewPurchase
}

// NewPurchase starts a purchase of 10.00 hours for €50.00 by a new student
// with a PaymentIntent of its own.
func NewPurchase(tb testing.TB) *Purchase {
	return &Purchase{
		tb: tb, Student: "student_" + RandomName(), PaymentIntent: "pi_" + RandomName(), Amount: 5000, Currency: "eur",
		new: models.NewPurchase{TransactionType: models.TypePackage, Hours: 1000},
	}
}

// For sets the student.
func (p *Purchase) For(student string) *Purchase { p.Student = student; return p }

// To makes it a gift, to the student whose account gets the hours.
func (p *Purchase) To(beneficiary string) *Purchase { p.new.BeneficiaryID = &beneficiary; return p }

// Of sets the hours, in hundredths, and the amount.
func (p *Purchase) Of(hours models.Hours, amount int64) *Purchase {
	p.new.Hours, p.Amount = hours, amount
	return p
}

// In sets the currency.
func (p *Purchase) In(currency string) *Purchase { p.Currency = currency; return p }

// WithoutIntent leaves the PaymentIntent unknown: the platform will name the purchase in metadata.
func (p *Purchase) WithoutIntent() *Purchase { p.PaymentIntent = ""; return p }

// WithIntent sets the PaymentIntent's id.
func (p *Purchase) WithIntent(id string) *Purchase { p.PaymentIntent = id; return p }

// Processing says that the customer is paying already.
func (p *Purchase) Processing() *Purchase { p.new.Processing = true; return p }

// ValidFor sets for how many days the hours live.
func (p *Purchase) ValidFor(days int) *Purchase { p.new.ValidDays = &days; return p }

// ByPlan sets the plan that it is bought by.
func (p *Purchase) ByPlan(id string) *Purchase { p.new.PlanID = &id; return p }

// Create stores the purchase.
func (p *Purchase) Create(db *Database) *Purchase {
	p.tb.Helper()
	p.new.StudentID, p.new.PaymentIntentID, p.new.Amount, p.new.Currency = p.Student, p.PaymentIntent, p.Amount, p.Currency
	created, err := sales.NewPurchaseService(db.Models(p.tb)).Create(p.tb.Context(), p.new)
	if err != nil {
		p.tb.Fatal(err)
	}
	p.ID = created.ID
	return p
}

// NewPurchase stores the usual purchase.
func (db *Database) NewPurchase(tb testing.TB) *Purchase {
	tb.Helper()
	return NewPurchase(tb).Create(db)
}

// WantPurchase compares fields of a purchase as the API shows it.
func (app *App) WantPurchase(tb testing.TB, p *Purchase, want map[string]string) {
	tb.Helper()
	app.Get(tb, "/api/finances/purchases/"+p.ID+"/").WantFields(tb, want)
}

// WantBalance compares fields of a student's account as the API shows it.
func (app *App) WantBalance(tb testing.TB, student string, want map[string]string) {
	tb.Helper()
	app.Get(tb, "/api/finances/students/"+student+"/balance/").WantFields(tb, want)
}
