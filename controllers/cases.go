package controllers

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"hourbank/services"
)

// Cases answers a page of cases.
func (h *Controllers) Cases(c *gin.Context) error {
	page, filter, err := pageRequest(c, "status", "kind", "student_id")
	if err != nil {
		return err
	}
	cases, err := h.services.Cases.List(c.Request.Context(), services.CaseFilter{
		Status: filter.Get("status"), Kind: filter.Get("kind"), StudentID: filter.Get("student_id"),
	}, page)
	if err != nil {
		return err
	}
	return ok(c, cases)
}

// CloseCase ends a case with a note.
func (h *Controllers) CloseCase(c *gin.Context) error {
	var request struct {
		Note string `json:"note"`
	}
	key, err := readRequest(c, &request)
	if err != nil {
		return err
	}
	closed, err := h.services.Cases.Close(c.Request.Context(), c.Param("id"), key.APIKey, request.Note)
	if err != nil {
		return err
	}
	return ok(c, closed)
}

// GiveCase gives an unmatched payment to a student: 201 with the purchase.
func (h *Controllers) GiveCase(c *gin.Context) error {
	var request struct {
		StudentID string `json:"student_id"`
		Plan      string `json:"plan"`
	}
	key, err := readRequest(c, &request)
	if err != nil {
		return err
	}
	p, err := h.services.Cases.Give(c.Request.Context(), c.Param("id"), request.StudentID, request.Plan, key.APIKey)
	if err != nil {
		return err
	}
	c.JSON(http.StatusCreated, p)
	return nil
}

// AcceptPayment lets a payment count as paid in full: 201 with the purchase.
func (h *Controllers) AcceptPayment(c *gin.Context) error {
	var request struct {
		Payment string `json:"payment"`
		Note    string `json:"note"`
	}
	key, err := readRequest(c, &request)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	if err := h.services.Cases.Accept(ctx, c.Param("id"), request.Payment, key.APIKey, request.Note); err != nil {
		return err
	}
	p, err := h.services.Purchases.Detail(ctx, c.Param("id"))
	if err != nil {
		return err
	}
	c.JSON(http.StatusCreated, p)
	return nil
}
