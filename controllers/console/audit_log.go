package console

import (
	"github.com/gin-gonic/gin"

	"hourbank/models"
	"hourbank/services/auditlog"
)

type auditLogPage struct {
	listing[models.AuditEntry]
	Actions []models.AuditAction
}

// AuditLog lists what people did.
func (h *Console) AuditLog(c *gin.Context) error {
	asked, request, err := ask(c, "action", "actor")
	if err != nil {
		return err
	}
	entries, err := h.services.AuditLog.List(c.Request.Context(), auditlog.Filter{Actor: asked["actor"], Action: asked["action"]}, request)
	if err != nil {
		return err
	}
	return h.ok(c, "audit_log", "Audit log", auditLogPage{listing: newListing(asked, request, entries), Actions: models.AuditActions})
}

// subjectAddress is the page of what something was done to; empty: it has none.
func subjectAddress(e models.AuditEntry) string {
	switch e.Action {
	case models.ActionAdjustment, models.ActionGrant, models.ActionForgotten:
		return studentAddress(e.Subject)
	case models.ActionRefund, models.ActionAcceptance:
		return purchaseAddress(e.Subject)
	case models.ActionCaseClosed, models.ActionPaymentGive:
		return caseAddress(e.Subject)
	case models.ActionReplay:
		return eventAddress(e.Subject)
	case models.ActionRetry:
		return deliveryAddress(e.Subject)
	default:
		return ""
	}
}
