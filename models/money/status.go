package money

// PaymentStatus says how far a purchase's payment has come. It is never set
// by hand: Derive computes it from the evidence. The same values stand in the
// CHECK of purchase_transactions.payment_status and in docs/architecture.md.
type PaymentStatus string

// Before a success, and after one.
const (
	StatusPending    PaymentStatus = "pending"
	StatusProcessing PaymentStatus = "processing"
	StatusFailed     PaymentStatus = "failed"    // the last attempt; the same PaymentIntent may yet succeed
	StatusCancelled  PaymentStatus = "cancelled" // nothing more is expected, though a success would still win

	StatusCompleted         PaymentStatus = "completed"
	StatusPartiallyRefunded PaymentStatus = "partially_refunded"
	StatusRefunded          PaymentStatus = "refunded"
	StatusDisputed          PaymentStatus = "disputed"
)

// PaymentStatuses lists every status, in the order of a payment's life.
var PaymentStatuses = []PaymentStatus{
	StatusPending, StatusProcessing, StatusFailed, StatusCancelled,
	StatusCompleted, StatusPartiallyRefunded, StatusRefunded, StatusDisputed,
}
