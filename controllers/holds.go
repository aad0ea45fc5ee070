package controllers

import (
	"github.com/gin-gonic/gin"

	"hourbank/models"
	"hourbank/services/sales"
)

// Holds answers a page of what is held of a student's hours.
func (h *Controllers) Holds(c *gin.Context) error {
	page, _, err := pageRequest(c)
	if err != nil {
		return err
	}
	holds, err := h.services.Accounts.Holds(c.Request.Context(), c.Param("student_id"), page)
	if err != nil {
		return err
	}
	return ok(c, holds)
}

// Hold keeps hours for a lesson: 201, or 200 where the reference was held before.
func (h *Controllers) Hold(c *gin.Context) error {
	order, err := lesson(c)
	if err != nil {
		return err
	}
	return answerBooking(c)(h.services.Accounts.Hold(c.Request.Context(), order))
}

// Capture books a held lesson, whole or less of it: 201, or 200 where it was
// captured before.
func (h *Controllers) Capture(c *gin.Context) error {
	var request struct {
		Hours models.Hours `json:"hours"`
	}
	if c.Request.ContentLength != 0 { // else all of it
		if _, err := readRequest(c, &request); err != nil {
			return err
		}
	}
	order := sales.BookingOrder{StudentID: c.Param("student_id"), Hours: request.Hours, Reference: c.Param("reference"), Actor: callerOf(c)}
	return answerBooking(c)(h.services.Accounts.Capture(c.Request.Context(), order))
}

// Release gives a hold's hours back, once.
func (h *Controllers) Release(c *gin.Context) error {
	booking, err := h.services.Accounts.Release(c.Request.Context(), sales.BookingOrder{
		StudentID: c.Param("student_id"), Reference: c.Param("reference"), Actor: callerOf(c),
	})
	if err != nil {
		return err
	}
	return ok(c, booking)
}

// Lots answers a student's hours by what they came with.
func (h *Controllers) Lots(c *gin.Context) error {
	if _, err := query(c); err != nil {
		return err
	}
	lots, err := h.services.Accounts.Lots(c.Request.Context(), c.Param("student_id"))
	if err != nil {
		return err
	}
	return ok(c, gin.H{"data": append([]models.Lot{}, lots...)})
}
