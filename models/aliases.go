package models

import "hourbank/models/money"

// Hours, Terms and the following are words of the rules that rows hold; all
// else of them is in money.
type (
	// Hours are hundredths of an hour.
	Hours = money.Hours
	// Terms and the following are as money says.
	Terms         = money.Terms
	Failure       = money.Failure
	PaymentStatus = money.PaymentStatus
	PaymentState  = money.PaymentState
	CaseKind      = money.CaseKind
	CaseState     = money.CaseState
)

// MaxHours bounds one purchase or booking.
const MaxHours = money.MaxHours

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
)

// PaymentStatuses lists every status, in the order of a payment's life, and
// CaseKinds every kind, the most urgent first.
var (
	PaymentStatuses = money.PaymentStatuses
	CaseKinds       = money.CaseKinds
)
