package controllers

import (
	"github.com/gin-gonic/gin"

	"hourbank/models"
	"hourbank/services/paging"
)

// Plans answers the plans on sale.
func (h *Controllers) Plans(c *gin.Context) error {
	plans, err := h.services.Plans.List(c.Request.Context(), false)
	if err != nil {
		return err
	}
	return ok(c, paging.Page[models.Plan]{Data: plans})
}

// StripeConfig answers what a browser needs to pay with Stripe.js.
func (h *Controllers) StripeConfig(c *gin.Context) error {
	return ok(c, gin.H{"public_key": h.cfg.StripePublicKey})
}
