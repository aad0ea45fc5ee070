package controllers

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"hourbank/models"
)

var statuses = map[models.Code]int{
	models.CodeMissingSignature:    http.StatusBadRequest,
	models.CodeMissingPayload:      http.StatusBadRequest,
	models.CodeInvalidSignature:    http.StatusBadRequest,
	models.CodeInvalidPayload:      http.StatusBadRequest,
	models.CodePayloadTooLarge:     http.StatusRequestEntityTooLarge,
	models.CodeInvalidRequest:      http.StatusBadRequest,
	models.CodeInvalidCursor:       http.StatusBadRequest,
	models.CodeUnauthorized:        http.StatusUnauthorized,
	models.CodeForbidden:           http.StatusForbidden,
	models.CodeTooManyAttempts:     http.StatusTooManyRequests,
	models.CodeNotFound:            http.StatusNotFound,
	models.CodeMethodNotAllowed:    http.StatusMethodNotAllowed,
	models.CodeConflict:            http.StatusConflict,
	models.CodePayloadRemoved:      http.StatusConflict,
	models.CodeCurrencyMismatch:    http.StatusUnprocessableEntity,
	models.CodeInsufficientHours:   http.StatusConflict,
	models.CodeReferenceUsed:       http.StatusConflict,
	models.CodeIdempotencyMismatch: http.StatusUnprocessableEntity,
	models.CodeStripeRefused:       http.StatusUnprocessableEntity,
	models.CodeStripeError:         http.StatusBadGateway,
	models.CodeStripeUnavailable:   http.StatusServiceUnavailable,
	models.CodeOverloaded:          http.StatusServiceUnavailable,
	models.CodeUnavailable:         http.StatusServiceUnavailable,
	models.CodeInternal:            http.StatusInternalServerError,
}

// StatusOf is the HTTP status that a code stands for.
func StatusOf(code models.Code) int { return statuses[code] }

// retryAfter is how long the caller should wait before the same request may
// succeed; 0 where waiting would not help.
func retryAfter(code models.Code) time.Duration {
	switch StatusOf(code) {
	case http.StatusServiceUnavailable:
		return 2 * time.Second
	case http.StatusTooManyRequests:
		return attemptsEvery
	default:
		return 0
	}
}

// problem is an error as RFC 9457 has it, with our stable code.
type problem struct {
	Type      string      `json:"type"`
	Title     string      `json:"title"`
	Status    int         `json:"status"`
	Code      models.Code `json:"code"`
	Detail    string      `json:"detail"`
	RequestID string      `json:"request_id"`
}

// SayWhen tells a caller when the same request may succeed.
func SayWhen(c *gin.Context, code models.Code) {
	if after := retryAfter(code); after > 0 {
		c.Header("Retry-After", strconv.Itoa(int(after.Seconds())))
	}
}

func render(c *gin.Context, e *models.Error) {
	status := StatusOf(e.Code)
	SayWhen(c, e.Code)
	if e.Code == models.CodeUnauthorized {
		c.Header("WWW-Authenticate", `Bearer realm="hourbank"`)
	}
	c.Header("Content-Type", "application/problem+json")
	c.AbortWithStatusJSON(status, problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status,
		Code: e.Code, Detail: e.Message, RequestID: c.GetString(requestIDKey),
	})
}
