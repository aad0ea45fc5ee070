package models

import "fmt"

// Code is the stable word by which a program recognises an error.
type Code string

// Every code that Hourbank answers with. What each is in HTTP, controllers know.
const (
	CodeMissingSignature Code = "missing_signature"
	CodeMissingPayload   Code = "missing_payload"
	CodeInvalidSignature Code = "invalid_signature"
	CodeInvalidPayload   Code = "invalid_payload"
	CodePayloadTooLarge  Code = "payload_too_large"

	CodeInvalidRequest   Code = "invalid_request"
	CodeInvalidCursor    Code = "invalid_cursor"
	CodeUnauthorized     Code = "unauthorized"
	CodeForbidden        Code = "forbidden"
	CodeNotFound         Code = "not_found"
	CodeMethodNotAllowed Code = "method_not_allowed"
	CodeConflict         Code = "conflict"
	CodeCurrencyMismatch Code = "currency_mismatch"
	CodePayloadRemoved   Code = "payload_removed"

	CodeTooManyAttempts Code = "too_many_attempts"

	CodeInsufficientHours   Code = "insufficient_hours"
	CodeReferenceUsed       Code = "reference_used"
	CodeIdempotencyMismatch Code = "idempotency_mismatch"
	CodeStripeRefused       Code = "stripe_refused"
	CodeStripeError         Code = "stripe_error"
	CodeStripeUnavailable   Code = "stripe_unavailable"

	CodeOverloaded  Code = "overloaded"
	CodeUnavailable Code = "unavailable"
	CodeInternal    Code = "internal_error"
)

// Error is the one error that callers decide on. Message is safe to show to
// whoever asked; Err, where there is one, is for our log only.
type Error struct {
	Code    Code
	Message string
	Err     error
}

// Errorf makes an error whose message a user may read.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

func (e *Error) Unwrap() error { return e.Err }
