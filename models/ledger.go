package models

import (
	"strings"
	"time"
)

// LedgerEntry is one append-only movement of hours and money on a student's
// account. The database refuses to change or delete one.
type LedgerEntry struct {
	ID            string    `gorm:"primaryKey" json:"id"`
	StudentID     string    `json:"student_id"`
	TransactionID *string   `json:"transaction_id"`
	Kind          EntryKind `json:"kind"`
	Hours         Hours     `json:"hours"`  // signed
	Amount        int64     `json:"amount"` // signed, minor units
	// Of the amount, how much more is refunded, and how much more disputes
	// hold, than before; signed, so that what was received by it is all three
	// together.
	AmountRefunded int64   `json:"amount_refunded"`
	AmountDisputed int64   `json:"amount_disputed"`
	Currency       *string `json:"currency"` // null on an account that has none yet
	Actor          *string `json:"actor"`    // the API key's name of whoever booked it; null: Stripe's word
	EventID        *string `json:"event_id"`
	Reference      *string `json:"reference"`
	Reason         *string `json:"reason,omitempty"` // of an adjustment or grant
	// When a lesson is that was booked or held; null: when it was booked.
	LessonAt   *time.Time `json:"lesson_at,omitempty"`
	LotID      *string    `json:"-"`                    // of an expiration
	ExpiresAt  *time.Time `json:"expires_at,omitempty"` // of a grant; null: never
	OccurredAt time.Time  `json:"occurred_at"`          // by Stripe's clock, where its money moved
	CreatedAt  time.Time  `json:"created_at"`           // when it was booked
}

// TableName is the contract's.
func (LedgerEntry) TableName() string { return "hour_ledger_entries" }

// Received is what money came in by the entry, in minor units: negative where a
// purchase lost it to the one that it turned out to be.
func (e *LedgerEntry) Received() int64 { return e.Amount + e.AmountRefunded + e.AmountDisputed }

// Lesson is when a booking's lesson is.
func (e *LedgerEntry) Lesson() time.Time {
	if e.LessonAt != nil {
		return *e.LessonAt
	}
	return e.CreatedAt
}

// TakenBy is the invoice by which the entry took hours off, gave those back, or took them
// again; empty: none. All its entries together are what it takes.
func (e *LedgerEntry) TakenBy() string {
	if e.Kind != EntryAdjustment || e.EventID == nil || e.Reference == nil {
		return ""
	}
	invoice, _, _ := strings.Cut(*e.Reference, "/")
	return invoice
}

func (e *LedgerEntry) movesBack() bool {
	return e.Kind == EntryReversal || e.Kind == EntryReinstatement
}

// Account is a student's running totals: always the sums of the student's
// ledger entries.
type Account struct {
	StudentID      string  `gorm:"primaryKey" json:"student_id"`
	Currency       *string `json:"currency"`        // null until the first purchase
	HoursPurchased Hours   `json:"hours_purchased"` // credits and adjustments
	HoursGranted   Hours   `json:"hours_granted"`   // given without money
	HoursReversed  Hours   `json:"hours_reversed"`  // reversals less reinstatements
	HoursConsumed  Hours   `json:"hours_consumed"`  // consumptions less restorations
	HoursExpired   Hours   `json:"hours_expired"`   // what was left of lots at their end
	HoursHeld      Hours   `json:"hours_held"`      // for lessons: holds less what was released or captured
	HoursAvailable Hours   `gorm:"->" json:"hours_available"`
	BalanceAmount  int64   `json:"balance_amount"` // minor units: received less refunded or disputed
	Overdrawn      bool    `gorm:"->" json:"overdrawn"`
	// When the next of its hours expire; null: none will.
	NextExpiry *time.Time `gorm:"-" json:"next_expiry"`
	// Whether its lots and expirations follow from what is booked; null: none of its
	// hours expire.
	LotsSettled *bool     `json:"-"`
	CreatedAt   time.Time `json:"created_at"` // when it was opened; GORM fills it in
	UpdatedAt   time.Time `json:"updated_at"`
}

// TableName is the contract's.
func (Account) TableName() string { return "student_account_balances" }

// PaidCurrency is the currency that what is paid keeps the account in; nil: nothing is.
func (a *Account) PaidCurrency() *string {
	if a.HoursPurchased == 0 && a.BalanceAmount == 0 {
		return nil
	}
	return a.Currency
}

// Move adds entries to the totals, as the database does with what is stored.
func (a *Account) Move(entries ...LedgerEntry) {
	total := Movement{a.HoursPurchased, a.HoursGranted, a.HoursReversed, a.HoursConsumed, a.HoursExpired, a.HoursHeld, a.BalanceAmount}
	for _, e := range entries {
		total.Add(e)
		if e.CreatedAt.After(a.UpdatedAt) {
			a.UpdatedAt = e.CreatedAt
		}
	}
	a.SetTotals(total)
}

// SetTotals lets the account say what entries add up to.
func (a *Account) SetTotals(m Movement) {
	a.HoursPurchased, a.HoursGranted, a.HoursReversed, a.HoursConsumed = m.Purchased, m.Granted, m.Reversed, m.Consumed
	a.HoursExpired, a.HoursHeld, a.HoursAvailable, a.BalanceAmount = m.Expired, m.Held, m.Available(), m.Amount
	a.Overdrawn = a.HoursAvailable < 0
}

// Movement is what entries add to an account's totals.
type Movement struct {
	Purchased, Granted, Reversed, Consumed, Expired, Held Hours
	Amount                                                int64 // minor units
}

// Add books one entry. Which total an entry's kind belongs to is known here and in
// the trigger that moves accounts (migration 15); audit repeats it in SQL on
// purpose, to have another opinion.
func (m *Movement) Add(e LedgerEntry) {
	switch e.Kind {
	case EntryCredit, EntryAdjustment:
		m.Purchased += e.Hours
	case EntryGrant:
		m.Granted += e.Hours
	case EntryReversal, EntryReinstatement:
		m.Reversed -= e.Hours
	case EntryPayment: // it moves no hours
	case EntryConsumption, EntryRestoration:
		m.Consumed -= e.Hours
	case EntryHold, EntryRelease:
		m.Held -= e.Hours
	case EntryExpiration:
		m.Expired -= e.Hours
	}
	m.Amount += e.Amount
}

// Available is what the entries left or took of the hours that can be used.
func (m *Movement) Available() Hours {
	return m.Purchased + m.Granted - m.Reversed - m.Consumed - m.Expired - m.Held
}
