package api

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
)

// Error is an error as Stripe answers it. https://docs.stripe.com/api/errors
type Error struct {
	Status int
	Object // what is said of it
}

func (e *Error) Error() string { return e.Text("message") }

// NewError makes an error of a type.
func NewError(status int, kind, format string, args ...any) *Error {
	return &Error{status, Object{"type": kind, "message": fmt.Sprintf(format, args...)}}
}

// With adds what else is said of an error, but what is empty.
func (e *Error) With(more Object) *Error {
	maps.DeleteFunc(more, func(_ string, value any) bool { return value == "" })
	maps.Copy(e.Object, more)
	if code := e.Text("code"); code != "" {
		e.Object["doc_url"] = "https://stripe.com/docs/error-codes/" + strings.ReplaceAll(code, "_", "-")
	}
	return e
}

// Invalid is a 400 about one parameter.
func Invalid(code, param, format string, args ...any) *Error {
	return NewError(http.StatusBadRequest, "invalid_request_error", format, args...).With(Object{"code": code, "param": param})
}

// Refused is a request that no parameter could make good.
func Refused(status int, format string, args ...any) *Error {
	return NewError(status, "invalid_request_error", format, args...)
}

// NoSuch is the answer for an id that names nothing: 404 where the id stood in
// the path, else 400.
func NoSuch(kind, id, param string) *Error {
	e := Invalid("resource_missing", param, "No such %s: '%s'", kind, id)
	if param == InPath {
		e.Status, e.Object["param"] = http.StatusNotFound, "id"
	}
	return e
}

// InPath names the id in the path as the parameter that was wrong.
const InPath = ""
