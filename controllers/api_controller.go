package controllers

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"hourbank/models"
	"hourbank/services"
)

// Purchase answers one purchase, by its id or its PaymentIntent's.
func (h *Controllers) Purchase(c *gin.Context) error {
	purchase, err := h.services.Purchases.Get(c.Request.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	return ok(c, purchase)
}

// Purchases answers a page of purchases.
func (h *Controllers) Purchases(c *gin.Context) error {
	page, filter, err := pageRequest(c, "student_id", "payment_status")
	if err != nil {
		return err
	}
	purchases, err := h.services.Purchases.List(c.Request.Context(), filter.Get("student_id"), filter.Get("payment_status"), page)
	if err != nil {
		return err
	}
	return ok(c, purchases)
}

// Balance answers a student's account, now or as it was ?at= a time.
func (h *Controllers) Balance(c *gin.Context) error {
	values, err := query(c, "at")
	if err != nil {
		return err
	}
	ctx, student := c.Request.Context(), c.Param("student_id")
	var account *models.Account
	if at := values.Get("at"); at == "" {
		account, err = h.services.Accounts.Balance(ctx, student)
	} else {
		t, parseErr := time.Parse(time.RFC3339, at)
		if parseErr != nil {
			return models.Errorf(models.CodeInvalidRequest, "at must be a time such as 2026-01-31T12:00:00Z.")
		}
		account, err = h.services.Accounts.BalanceAt(ctx, student, t)
	}
	if err != nil {
		return err
	}
	return ok(c, account)
}

// Ledger answers a page of a student's ledger.
func (h *Controllers) Ledger(c *gin.Context) error {
	page, _, err := pageRequest(c)
	if err != nil {
		return err
	}
	entries, err := h.services.Accounts.Ledger(c.Request.Context(), c.Param("student_id"), page)
	if err != nil {
		return err
	}
	return ok(c, entries)
}

// Events answers a page of events, without their payloads.
func (h *Controllers) Events(c *gin.Context) error {
	page, filter, err := pageRequest(c, "status", "type")
	if err != nil {
		return err
	}
	events, err := h.services.Events.List(c.Request.Context(), filter.Get("status"), filter.Get("type"), page)
	if err != nil {
		return err
	}
	return ok(c, events)
}

// Event answers one event with its payload.
func (h *Controllers) Event(c *gin.Context) error {
	event, err := h.services.Events.Get(c.Request.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	body, err := event.JSONWithPayload()
	if err != nil {
		return err
	}
	c.Data(http.StatusOK, "application/json; charset=utf-8", body)
	return nil
}

// ReplayEvent applies a stored event once more.
func (h *Controllers) ReplayEvent(c *gin.Context) error {
	outcome, err := h.services.Events.Replay(c.Request.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	c.Set(eventIDKey, outcome.EventID)
	return ok(c, outcome)
}

// Plans answers the plans on sale.
func (h *Controllers) Plans(c *gin.Context) error {
	plans, err := h.services.Plans.List(c.Request.Context(), false)
	if err != nil {
		return err
	}
	return ok(c, services.Page[models.Plan]{Data: plans})
}

// StripeConfig answers what a browser needs to pay with Stripe.js.
func (h *Controllers) StripeConfig(c *gin.Context) error {
	return ok(c, gin.H{"public_key": h.cfg.StripePublicKey})
}

// Healthz says that the process runs.
func (h *Controllers) Healthz(c *gin.Context) error { return ok(c, gin.H{"status": "ok"}) }

// Readyz says that the database answers and is migrated.
func (h *Controllers) Readyz(c *gin.Context) error {
	if err := h.services.Health.Ready(c.Request.Context()); err != nil {
		return err
	}
	return ok(c, gin.H{"status": "ready"})
}

// Metrics answers Prometheus.
func (h *Controllers) Metrics(c *gin.Context) error {
	promhttp.HandlerFor(h.services.Metrics.Registry, promhttp.HandlerOpts{}).ServeHTTP(c.Writer, c.Request)
	return nil
}
