package ingest

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/stripe"
)

// periodBook is what a batch knows for making purchases of invoices: the
// plans that these may buy, what is remembered of their subscriptions, and
// the accounts of their students. It is empty in a batch without invoices,
// which then pays nothing for it.
type periodBook struct {
	plansByID, plansByPrice map[string]*models.Plan
	subscriptions           map[telling]*models.Subscription // all that was told of them
	currencies              map[string]string                // by student
	told                    map[telling]*models.Subscription // by this batch
}

// telling is of which subscription something was told, and when, in Stripe's
// time.
type telling struct {
	subscription string
	at           int64
}

// loadPeriods reads what the batch's invoices need, and opens the accounts of
// students who never bought anything before.
func loadPeriods(tx *gorm.DB, entries []*entry, purchases *purchaseBook) (*periodBook, error) {
	book := &periodBook{
		plansByID: map[string]*models.Plan{}, plansByPrice: map[string]*models.Plan{},
		subscriptions: map[telling]*models.Subscription{}, currencies: map[string]string{},
		told: map[telling]*models.Subscription{},
	}
	var subscriptions []string
	var periods []*stripe.Period
	for _, e := range entries {
		if s := e.event.Subscription; s != nil {
			subscriptions = append(subscriptions, s.ID)
		}
		if p := e.event.Period; p != nil && purchases.byInvoice[p.InvoiceID] == nil {
			periods = append(periods, p)
			subscriptions = appendKey(subscriptions, p.SubscriptionID)
		}
	}
	if len(subscriptions)+len(periods) == 0 {
		return book, nil
	}
	if err := book.loadSubscriptions(tx, subscriptions); err != nil {
		return nil, err
	}
	for _, e := range entries {
		book.remember(e.event.Subscription)
	}
	if len(periods) == 0 {
		return book, nil
	}
	if err := book.loadPlans(tx); err != nil {
		return nil, err
	}
	return book, book.openAccounts(tx, periods)
}

func (b *periodBook) loadSubscriptions(tx *gorm.DB, ids []string) error {
	var rows []*models.Subscription
	locked := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Order("id, told_at")
	if err := locked.Where(database.IsAnyOf(tx, "id", ids)).Find(&rows).Error; err != nil {
		return fmt.Errorf("read subscriptions: %w", err)
	}
	for _, row := range rows {
		b.subscriptions[telling{row.ID, row.ToldAt}] = row
	}
	return nil
}

// loadPlans reads all plans: there are few, and retired ones still have
// subscribers.
func (b *periodBook) loadPlans(tx *gorm.DB) error {
	var plans []*models.Plan
	if err := tx.Find(&plans).Error; err != nil {
		return fmt.Errorf("read plans: %w", err)
	}
	for _, plan := range plans {
		b.plansByID[plan.ID] = plan
		if plan.StripePriceID != nil {
			b.plansByPrice[*plan.StripePriceID] = plan
		}
	}
	return nil
}

// openAccounts makes sure that the students of new purchases have an account,
// before the statement that moves accounts looks for it.
func (b *periodBook) openAccounts(tx *gorm.DB, periods []*stripe.Period) error {
	var accounts []models.Account
	var students []string
	for _, period := range periods {
		student, plan := b.sale(period)
		if student == "" || plan == nil || slices.Contains(students, student) {
			continue
		}
		students = append(students, student)
		accounts = append(accounts, models.Account{StudentID: student, Currency: period.Currency, UpdatedAt: tx.NowFunc()})
	}
	if len(students) == 0 {
		return nil
	}
	slices.SortFunc(accounts, func(a, b models.Account) int { return cmp.Compare(a.StudentID, b.StudentID) })
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&accounts).Error; err != nil {
		return fmt.Errorf("open accounts: %w", err)
	}
	var opened []models.Account
	if err := tx.Where(database.IsAnyOf(tx, "student_id", students)).Find(&opened).Error; err != nil {
		return fmt.Errorf("read accounts: %w", err)
	}
	for _, account := range opened {
		b.currencies[account.StudentID] = account.Currency
	}
	return nil
}

// remember keeps what was told of a subscription beside what was told at other
// times.
func (b *periodBook) remember(told *models.Subscription) {
	if told == nil {
		return
	}
	at := telling{told.ID, told.ToldAt}
	if known := b.subscriptions[at]; known == nil || told.After(*known) {
		b.subscriptions[at], b.told[at] = told, told
	}
}

// isLatest says whether nothing else was told of the subscription since.
func (b *periodBook) isLatest(told *models.Subscription) bool {
	for at := range b.subscriptions {
		if at.subscription == told.ID && at.at > told.ToldAt {
			return false
		}
	}
	return b.told[telling{told.ID, told.ToldAt}] == told
}

// lastTold is the latest that was told of a subscription in the time from since
// to until, both included; it is empty where nothing was. What says whose the
// subscription is counts first: one may lose its metadata before it ends.
func (b *periodBook) lastTold(subscriptionID string, since, until int64) (last models.Subscription) {
	for at, told := range b.subscriptions {
		if at.subscription != subscriptionID || at.at < since || at.at > until {
			continue
		}
		owned, wasOwned := told.StudentID != "", last.StudentID != ""
		if (owned && !wasOwned) || (owned == wasOwned && at.at > last.ToldAt) {
			last = *told
		}
	}
	return last
}

// sale says who buys what with an invoice; nil or empty where that is not
// known yet. What the invoice doesn't say is what its subscription had last
// told by then, else its line's price, else what was told since.
func (b *periodBook) sale(period *stripe.Period) (student string, plan *models.Plan) {
	before := b.lastTold(period.SubscriptionID, 0, period.At)
	since := b.lastTold(period.SubscriptionID, period.At+1, math.MaxInt64)
	student = cmp.Or(period.StudentID, before.StudentID, since.StudentID)
	plan = cmp.Or(b.plansByID[period.PlanID], b.plansByID[before.PlanID])
	for _, price := range period.PriceIDs {
		plan = cmp.Or(plan, b.plansByPrice[price])
	}
	return student, cmp.Or(plan, b.plansByPrice[before.StripePriceID], b.plansByID[since.PlanID], b.plansByPrice[since.StripePriceID])
}

// purchase makes the invoice's purchase, or says why it can't: nothing where
// student or plan are not known yet, a reason where the account has another
// currency.
func (b *periodBook) purchase(period *stripe.Period, now time.Time) (*models.Purchase, models.Reason) {
	student, plan := b.sale(period)
	if student == "" || plan == nil || models.ValidateID("student_id", student) != nil {
		return nil, models.ReasonNone
	}
	if b.currencies[student] != period.Currency {
		return nil, models.ReasonCurrencyMismatch
	}
	p := models.NewPurchase{
		StudentID: student, TransactionType: models.TypeSubscription, Hours: plan.Hours,
		Amount: period.Amount, Currency: period.Currency, PlanID: &plan.ID, ValidDays: plan.ValidDays,
	}.Purchase(now)
	p.StripeInvoiceID = &period.InvoiceID
	return p, models.ReasonNone
}
