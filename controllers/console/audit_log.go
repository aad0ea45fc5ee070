package console

import (
	"github.com/gin-gonic/gin"

	"hourbank/models"
	"hourbank/services/auditlog"
	"hourbank/services/paging"
)

type auditLogPage struct {
	paging.Page[models.AuditEntry]
	Filter  auditlog.Filter
	Actions []models.AuditAction
}

// AuditLog lists what people did.
func (h *Console) AuditLog(c *gin.Context) error {
	page := auditLogPage{Filter: auditlog.Filter{Actor: c.Query("actor"), Action: c.Query("action")}, Actions: models.AuditActions}
	var err error
	page.Page, err = h.services.AuditLog.List(c.Request.Context(), page.Filter, pageOf(c, "cursor"))
	if err != nil {
		return err
	}
	return h.ok(c, "audit_log", "Audit log", page)
}

// subjectAddress is the page of what something was done to; empty: it has none.
func subjectAddress(e models.AuditEntry) string {
	switch e.Action {
	case models.ActionAdjustment, models.ActionGrant:
		return studentAddress(e.Subject)
	case models.ActionRefund, models.ActionAcceptance:
		return purchaseAddress(e.Subject)
	case models.ActionCaseClosed, models.ActionPaymentGive:
		return caseAddress(e.Subject)
	case models.ActionReplay:
		return eventAddress(e.Subject)
	default:
		return ""
	}
}
