package controllers

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"hourbank/models"
	"hourbank/services/sales"
)

// Students answers a page of students' accounts.
func (h *Controllers) Students(c *gin.Context) error {
	page, _, err := pageRequest(c)
	if err != nil {
		return err
	}
	accounts, err := h.services.Accounts.List(c.Request.Context(), sales.AccountFilter{}, page)
	if err != nil {
		return err
	}
	return ok(c, accounts)
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

// Consume books a lesson: 201, or 200 where the reference was booked before.
func (h *Controllers) Consume(c *gin.Context) error {
	order, err := lesson(c)
	if err != nil {
		return err
	}
	return answerBooking(c)(h.services.Accounts.Consume(c.Request.Context(), order))
}

func lesson(c *gin.Context) (sales.BookingOrder, error) {
	var request struct {
		Hours     models.Hours `json:"hours"`
		Reference string       `json:"reference"`
		LessonAt  *time.Time   `json:"lesson_at"`
	}
	key, err := readRequest(c, &request)
	return sales.BookingOrder{
		StudentID: c.Param("student_id"), Hours: request.Hours, Reference: request.Reference, LessonAt: request.LessonAt, Actor: key.APIKey,
	}, err
}

// Restore gives a booking back, once.
func (h *Controllers) Restore(c *gin.Context) error {
	booking, err := h.services.Accounts.Restore(c.Request.Context(), c.Param("student_id"), c.Param("reference"), callerOf(c))
	if err != nil {
		return err
	}
	return ok(c, booking)
}

// Adjust moves hours by hand: 201, or 200 where the reference was used before.
func (h *Controllers) Adjust(c *gin.Context) error {
	var request withReason
	key, err := readRequest(c, &request)
	if err != nil {
		return err
	}
	return answerBooking(c)(h.services.Accounts.Adjust(c.Request.Context(), request.order(c, key)))
}

// withReason are what staff say of hours that they move.
type withReason struct {
	Hours     models.Hours `json:"hours"`
	Reason    string       `json:"reason"`
	Reference string       `json:"reference"`
}

func (r withReason) order(c *gin.Context, key sales.RequestKey) sales.BookingOrder {
	return sales.BookingOrder{StudentID: c.Param("student_id"), Hours: r.Hours, Reason: r.Reason, Reference: r.Reference, Actor: key.APIKey}
}

// Grant gives hours without money: 201, or 200 where the reference was used
// before.
func (h *Controllers) Grant(c *gin.Context) error {
	var request struct {
		withReason
		ExpiresAt *time.Time `json:"expires_at"`
	}
	key, err := readRequest(c, &request)
	if err != nil {
		return err
	}
	order := request.order(c, key)
	order.ExpiresAt = request.ExpiresAt
	return answerBooking(c)(h.services.Accounts.Grant(c.Request.Context(), order))
}

func answerBooking(c *gin.Context) func(*sales.Booking, error) error {
	return func(booking *sales.Booking, err error) error {
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
