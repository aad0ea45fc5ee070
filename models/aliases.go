package models

import (
	"hourbank/models/hours"
	"hourbank/models/money"
)

// Hours are hundredths of an hour.
type Hours = hours.Hours

// Terms are what was agreed.
type Terms = money.Terms

// Failure is why a purchase is failed or cancelled.
type Failure = money.Failure

// PaymentStatus says how far a purchase's payment has come.
type PaymentStatus = money.PaymentStatus

// PaymentState is a payment as people see it.
type PaymentState = money.PaymentState

// CaseKind says why money needs a person.
type CaseKind = money.CaseKind

// CaseState is a case that the facts open.
type CaseState = money.CaseState

// MaxHours bounds one purchase or booking.
const MaxHours = hours.Max

// The statuses of a payment.
const (
	StatusPending           = money.StatusPending
	StatusProcessing        = money.StatusProcessing
	StatusFailed            = money.StatusFailed
	StatusCancelled         = money.StatusCancelled
	StatusCompleted         = money.StatusCompleted
	StatusPartiallyRefunded = money.StatusPartiallyRefunded
	StatusRefunded          = money.StatusRefunded
	StatusDisputed          = money.StatusDisputed
)

// The kinds of cases.
const (
	CaseDispute            = money.CaseDispute
	CaseUnderpaid          = money.CaseUnderpaid
	CaseOverpaid           = money.CaseOverpaid
	CaseOtherCurrency      = money.CaseOtherCurrency
	CaseRefundFailed       = money.CaseRefundFailed
	CaseUnclearRefund      = money.CaseUnclearRefund
	CaseUnknownStatus      = money.CaseUnknownStatus
	CaseTooMany            = money.CaseTooMany
	CaseOverdrawn          = money.CaseOverdrawn
	CaseUnmatchedPayment   = money.CaseUnmatchedPayment
	CaseUnexplainedInvoice = money.CaseUnexplainedInvoice
	CaseMissingObject      = money.CaseMissingObject
	CaseUnfetchedEvent     = money.CaseUnfetchedEvent
	CaseUndelivered        = money.CaseUndelivered
)

// PaymentStatuses lists every status, in the order of a payment's life, and
// CaseKinds every kind, the most urgent first.
var (
	PaymentStatuses = money.PaymentStatuses
	CaseKinds       = money.CaseKinds
)
