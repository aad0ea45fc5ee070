package controllers

import (
	"github.com/gin-gonic/gin"

	"hourbank/config"
	"hourbank/models"
	"hourbank/services/sales"
)

// Purchases answers a page of purchases.
func (h *Controllers) Purchases(c *gin.Context) error {
	page, filter, err := pageRequest(c, "student_id", "payment_status")
	if err != nil {
		return err
	}
	purchases, err := h.services.Purchases.List(c.Request.Context(), sales.PurchaseFilter{
		StudentID: filter.Get("student_id"), Status: filter.Get("payment_status"),
	}, page)
	if err != nil {
		return err
	}
	return ok(c, purchases)
}

// Purchase answers one purchase, by its id or that of any of its Stripe objects.
func (h *Controllers) Purchase(c *gin.Context) error {
	purchase, err := h.services.Purchases.Detail(c.Request.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	return ok(c, purchase)
}

// CreatePurchase sells hours: 201 with the purchase and what pays it.
func (h *Controllers) CreatePurchase(c *gin.Context) error {
	var order sales.Order
	key, err := readRequest(c, &order)
	if err != nil {
		return err
	}
	if order.NamesPrice() && roleOf(c) < config.RolePrice {
		return models.Errorf(models.CodeForbidden, "This key sells plans alone; hours, amount and currency need one with the role %s.", config.RolePrice)
	}
	answer, err := h.services.Sales.Sell(c.Request.Context(), order, key)
	if err != nil {
		return err
	}
	return answerAgain(c, answer)
}

// RefundPurchase asks Stripe for a refund: 201 with what Stripe made of it.
func (h *Controllers) RefundPurchase(c *gin.Context) error {
	var order sales.RefundOrder
	key, err := readRequest(c, &order)
	if err != nil {
		return err
	}
	answer, err := h.services.Sales.Refund(c.Request.Context(), c.Param("id"), order, key)
	if err != nil {
		return err
	}
	return answerAgain(c, answer)
}

// answerAgain writes an answer, and says where it is a repetition.
func answerAgain(c *gin.Context, answer *sales.Answer) error {
	if answer.Replayed {
		c.Header("Idempotent-Replayed", "true")
	}
	c.Data(answer.Status, "application/json; charset=utf-8", answer.Body)
	return nil
}
