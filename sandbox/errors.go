package sandbox

import (
	"fmt"
	"net/http"
	"strings"
)

// apiError is an error as Stripe answers it.
// https://docs.stripe.com/api/errors
type apiError struct {
	status        int
	Type          string         `json:"type"`
	Code          string         `json:"code,omitempty"`
	DeclineCode   string         `json:"decline_code,omitempty"`
	Message       string         `json:"message"`
	Param         string         `json:"param,omitempty"`
	Charge        string         `json:"charge,omitempty"`
	DocURL        string         `json:"doc_url,omitempty"`
	PaymentIntent *paymentIntent `json:"payment_intent,omitempty"`
	PaymentMethod *paymentMethod `json:"payment_method,omitempty"`
}

func (e *apiError) Error() string { return e.Message }

// Types of errors.
const (
	typeInvalidRequest = "invalid_request_error"
	typeCard           = "card_error"
	typeIdempotency    = "idempotency_error"
	typeAPI            = "api_error"
)

// Codes of errors, https://docs.stripe.com/error-codes.
const (
	codeMissing         = "parameter_missing"
	codeUnknown         = "parameter_unknown"
	codeInvalidInteger  = "parameter_invalid_integer"
	codeResourceMissing = "resource_missing"
	codeIntentState     = "payment_intent_unexpected_state"
	codeAmountTooSmall  = "amount_too_small"
	codeAmountTooLarge  = "amount_too_large"
	codeAlreadyRefunded = "charge_already_refunded"
	codeChargeDisputed  = "charge_disputed"
)

// invalid is a 400 about one parameter.
func invalid(code, param, format string, args ...any) *apiError {
	e := &apiError{
		status:  http.StatusBadRequest,
		Type:    typeInvalidRequest,
		Code:    code,
		Param:   param,
		Message: fmt.Sprintf(format, args...),
	}
	if code != "" {
		e.DocURL = "https://stripe.com/docs/error-codes/" + dashes(code)
	}
	return e
}

// noSuch is the answer for an id that names nothing: 404 where the id stood in
// the path, else 400. kind is Stripe's name of the object, without underscores.
func noSuch(kind, id, param string) *apiError {
	e := invalid(codeResourceMissing, param, "No such %s: '%s'", kind, id)
	if param == inPath {
		e.status, e.Param = http.StatusNotFound, "id"
	}
	return e
}

// inPath names the id in the path as the parameter that was wrong.
const inPath = ""

// unexpectedState is the answer to a step that the intent's status forbids.
func unexpectedState(pi *paymentIntent, step string) *apiError {
	e := invalid(codeIntentState, "", "You cannot %s this PaymentIntent because it has a status of %s.", step, pi.Status)
	e.PaymentIntent = pi
	return e
}

func unrecognized(r *http.Request) *apiError {
	e := invalid("", "", "Unrecognized request URL (%s: %s).", r.Method, r.URL.Path)
	e.status = http.StatusNotFound
	return e
}

func dashes(code string) string { return strings.ReplaceAll(code, "_", "-") }
