package controllers

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

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
	outcome, err := h.services.Events.Replay(c.Request.Context(), c.Param("id"), callerOf(c))
	if err != nil {
		return err
	}
	c.Set(eventIDKey, outcome.EventID)
	return ok(c, outcome)
}
