package controllers

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"hourbank/models"
	"hourbank/services"
)

// CreatePurchase sells hours: 201 with the purchase and what pays it.
func (h *Controllers) CreatePurchase(c *gin.Context) error {
	var order services.Order
	key, err := readRequest(c, &order)
	if err != nil {
		return err
	}
	answer, err := h.services.Sales.Sell(c.Request.Context(), order, key)
	if err != nil {
		return err
	}
	return answerAgain(c, answer)
}

// RefundPurchase asks Stripe for a refund: 201 with what Stripe made of it.
func (h *Controllers) RefundPurchase(c *gin.Context) error {
	var order services.RefundOrder
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
func answerAgain(c *gin.Context, answer *services.Answer) error {
	if answer.Replayed {
		c.Header("Idempotent-Replayed", "true")
	}
	c.Data(answer.Status, "application/json; charset=utf-8", answer.Body)
	return nil
}

// Consume books a lesson: 201, or 200 where the reference was booked before.
func (h *Controllers) Consume(c *gin.Context) error {
	var request struct {
		Hours     models.Hours `json:"hours"`
		Reference string       `json:"reference"`
	}
	if _, err := readRequest(c, &request); err != nil {
		return err
	}
	return answerBooking(c)(h.services.Accounts.Consume(c.Request.Context(), c.Param("student_id"), request.Hours, request.Reference))
}

// Restore gives a booking back, once.
func (h *Controllers) Restore(c *gin.Context) error {
	booking, err := h.services.Accounts.Restore(c.Request.Context(), c.Param("student_id"), c.Param("reference"))
	if err != nil {
		return err
	}
	return ok(c, booking)
}

// Adjust moves hours by hand: 201, or 200 where the reference was used before.
func (h *Controllers) Adjust(c *gin.Context) error {
	var request struct {
		Hours     models.Hours `json:"hours"`
		Reason    string       `json:"reason"`
		Reference string       `json:"reference"`
	}
	if _, err := readRequest(c, &request); err != nil {
		return err
	}
	return answerBooking(c)(h.services.Accounts.Adjust(c.Request.Context(), c.Param("student_id"), request.Hours, request.Reason, request.Reference))
}

func answerBooking(c *gin.Context) func(*services.Booking, error) error {
	return func(booking *services.Booking, err error) error {
		if err != nil {
			return err
		}
		status := http.StatusOK
		if booking.New {
			status = http.StatusCreated
		}
		c.JSON(status, booking)
		return nil
	}
}
