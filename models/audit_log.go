package models

import "time"

// AuditAction is something that a person did.
type AuditAction string

// What people do that is kept. Lessons are not here: their actor stands in the
// ledger.
const (
	ActionSignIn      AuditAction = "sign_in"
	ActionSignOut     AuditAction = "sign_out"
	ActionAdjustment  AuditAction = "adjustment"
	ActionGrant       AuditAction = "grant"
	ActionRefund      AuditAction = "refund"
	ActionAcceptance  AuditAction = "acceptance"
	ActionCaseClosed  AuditAction = "case_closed"
	ActionPaymentGive AuditAction = "payment_given" // to a student and plan
	ActionReplay      AuditAction = "replay"
	ActionRetry       AuditAction = "delivery_retried"
	ActionForgotten   AuditAction = "student_forgotten"
	ActionClock       AuditAction = "clock_advanced" // a sandbox's
)

// AuditActions lists every action.
var AuditActions = []AuditAction{
	ActionSignIn, ActionSignOut, ActionAdjustment, ActionGrant, ActionRefund, ActionAcceptance, ActionCaseClosed, ActionPaymentGive, ActionReplay, ActionRetry, ActionForgotten, ActionClock,
}

// AuditEntry is one thing that a person did. The database refuses to change or
// delete one.
type AuditEntry struct {
	ID        string      `gorm:"primaryKey" json:"id"`
	Actor     string      `json:"actor"` // the API key's name, the person's e-mail address or subject, or "cli:" and the user's
	Action    AuditAction `json:"action"`
	Subject   string      `json:"subject"` // the id of what it was done to: a student, purchase, case, event or delivery
	Note      *string     `json:"note"`    // how much, and why
	CreatedAt time.Time   `json:"created_at"`
}

// TableName says where they are.
func (AuditEntry) TableName() string { return "audit_log" }
