package controllers

import (
	"bytes"
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"hourbank/models"
)

// Keys under which a request's event is noted for the access log.
const (
	eventIDKey   = "event_id"
	eventTypeKey = "event_type"
)

// Webhook receives Stripe's events at the main address.
func (h *Controllers) Webhook(c *gin.Context) error {
	return h.receive(c, h.cfg.StripeWebhookSecrets)
}

// SubscriptionsWebhook receives them at the subscriptions' own address, which
// has a secret of its own.
func (h *Controllers) SubscriptionsWebhook(c *gin.Context) error {
	return h.receive(c, h.cfg.SubscriptionSecrets())
}

// receive answers 2xx only after the event is durably committed, which is
// what lets Stripe forget it.
func (h *Controllers) receive(c *gin.Context, secrets []string) error {
	body, err := ReadBody(c, h.cfg.MaxWebhookBytes)
	if err != nil {
		return err
	}
	if err := h.services.Stripe.Verify(body, c.GetHeader("Stripe-Signature"), secrets); err != nil {
		return err
	}
	event, err := h.services.Stripe.Decode(body, "")
	if err != nil {
		return err
	}
	if event.IsOwn() {
		return models.Errorf(models.CodeInvalidPayload, "Stripe has no events of type %s.", event.Type)
	}
	c.Set(eventIDKey, event.ID)
	c.Set(eventTypeKey, event.Type)
	outcome, err := h.services.Payments.Handle(c.Request.Context(), event)
	if err != nil {
		return err
	}
	c.Set(outcomeKey, outcome)
	status := http.StatusOK
	if outcome.Status == models.EventParked {
		status = http.StatusAccepted
	}
	c.JSON(status, outcome)
	return nil
}

// maxPromised is for how many bytes memory is set aside on a sender's word
// alone; most events have fewer.
const maxPromised = 16 << 10

// ReadBody reads the raw bytes that the signature is over, up to limit bytes.
// It returns a *models.Error with code payload_too_large or invalid_request.
func ReadBody(c *gin.Context, limit int64) ([]byte, error) {
	tooLarge := models.Errorf(models.CodePayloadTooLarge, "The body is larger than %d bytes.", limit)
	if c.Request.ContentLength > limit {
		return nil, tooLarge
	}
	var body bytes.Buffer
	body.Grow(int(min(max(c.Request.ContentLength, 0), maxPromised)) + bytes.MinRead)
	_, err := body.ReadFrom(http.MaxBytesReader(c.Writer, c.Request.Body, limit))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge
	}
	if err != nil {
		return nil, &models.Error{Code: models.CodeInvalidRequest, Message: "The body could not be read to its end.", Err: err}
	}
	return body.Bytes(), nil
}
