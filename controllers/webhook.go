package controllers

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"hourbank/models"
	"hourbank/services/stripe"
	"hourbank/services/stripe/scrub"
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
	// What the headers say costs less than a body.
	signature, limit := c.GetHeader("Stripe-Signature"), h.cfg.MaxWebhookBytes
	if c.Request.ContentLength > limit {
		return tooLarge(limit)
	}
	if err := stripe.CheckSignatureHeader(signature, time.Now()); err != nil {
		return err
	}
	body, err := ReadBody(c, limit)
	if err != nil {
		return err
	}
	if err := h.services.Stripe.Verify(body, signature, secrets); err != nil {
		return err
	}
	event, err := h.services.Stripe.Decode(body, "")
	if err != nil {
		return err
	}
	event.SHA256 = scrub.SHA256(body)
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
	if event.Livemode && event.Money && outcome.Reason != nil && *outcome.Reason == models.ReasonLivemodeMismatch {
		c.Set(warningKey, "real money came, and no hours for it: the database is of another mode, so that its event is ignored; give live events a database of their own")
	}
	status := http.StatusOK
	if outcome.Status == models.EventParked {
		status = http.StatusAccepted
	}
	c.JSON(status, outcome)
	return nil
}
