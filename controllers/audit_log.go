package controllers

import (
	"github.com/gin-gonic/gin"

	"hourbank/services/auditlog"
)

// AuditLog answers a page of what people did.
func (h *Controllers) AuditLog(c *gin.Context) error {
	page, filter, err := pageRequest(c, "actor", "action", "subject")
	if err != nil {
		return err
	}
	entries, err := h.services.AuditLog.List(c.Request.Context(), auditlog.Filter{
		Actor: filter.Get("actor"), Action: filter.Get("action"), Subject: filter.Get("subject"),
	}, page)
	if err != nil {
		return err
	}
	return ok(c, entries)
}
