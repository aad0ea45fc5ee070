// Package services holds what Hourbank does: it verifies and decodes Stripe's
// events, turns them into hours in one transaction, retries those that came
// too early, and answers questions about all of it.
package services

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"hourbank/database"
)

// Code is the stable word by which a program recognises an error.
type Code string

// Every code that Hourbank answers with.
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

	CodeInsufficientHours   Code = "insufficient_hours"
	CodeIdempotencyMismatch Code = "idempotency_mismatch"
	CodeStripeRefused       Code = "stripe_refused"
	CodeStripeError         Code = "stripe_error"
	CodeStripeUnavailable   Code = "stripe_unavailable"

	CodeOverloaded  Code = "overloaded"
	CodeUnavailable Code = "unavailable"
	CodeInternal    Code = "internal_error"
)

var statuses = map[Code]int{
	CodeMissingSignature:    http.StatusBadRequest,
	CodeMissingPayload:      http.StatusBadRequest,
	CodeInvalidSignature:    http.StatusBadRequest,
	CodeInvalidPayload:      http.StatusBadRequest,
	CodePayloadTooLarge:     http.StatusRequestEntityTooLarge,
	CodeInvalidRequest:      http.StatusBadRequest,
	CodeInvalidCursor:       http.StatusBadRequest,
	CodeUnauthorized:        http.StatusUnauthorized,
	CodeForbidden:           http.StatusForbidden,
	CodeNotFound:            http.StatusNotFound,
	CodeMethodNotAllowed:    http.StatusMethodNotAllowed,
	CodeConflict:            http.StatusConflict,
	CodeCurrencyMismatch:    http.StatusUnprocessableEntity,
	CodeInsufficientHours:   http.StatusConflict,
	CodeIdempotencyMismatch: http.StatusUnprocessableEntity,
	CodeStripeRefused:       http.StatusUnprocessableEntity,
	CodeStripeError:         http.StatusBadGateway,
	CodeStripeUnavailable:   http.StatusServiceUnavailable,
	CodeOverloaded:          http.StatusServiceUnavailable,
	CodeUnavailable:         http.StatusServiceUnavailable,
	CodeInternal:            http.StatusInternalServerError,
}

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

// Status is the HTTP status that the code stands for.
func (e *Error) Status() int { return statuses[e.Code] }

// RetryAfter is how long the caller should wait before the same request may
// succeed; 0 where waiting would not help.
func (e *Error) RetryAfter() time.Duration {
	if e.Status() == http.StatusServiceUnavailable {
		return 2 * time.Second
	}
	return 0
}

// AsError classifies any error: ours as it is, a database that can't work now
// as unavailable, everything else as a bug.
func AsError(err error) *Error {
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	if database.IsUnavailable(err) {
		return &Error{Code: CodeUnavailable, Message: "The database can't answer now; please try again.", Err: err}
	}
	return &Error{Code: CodeInternal, Message: "Something went wrong on our side.", Err: err}
}
