package forgetting

import (
	"fmt"
	"maps"

	"gorm.io/gorm"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/auditlog"
	"hourbank/services/payloads"
)

// forget writes the pseudonym into every table that names the student. Ids of
// payments stay, so that what Stripe tells of them later finds its purchase.
func (s *student) forget(tx *gorm.DB, pseudonym, by string) error {
	for _, table := range []func(*gorm.DB, string) error{s.forgetPurchases, s.forgetEntries, s.forgetOthers, s.forgetEvents, s.forgetAudit} {
		if err := table(tx, pseudonym); err != nil {
			return err
		}
	}
	return auditlog.Write(tx, by, models.ActionForgotten, pseudonym, fmt.Sprintf("%d purchases, %d ledger entries, %d events", len(s.purchases), len(s.entries), len(s.events)))
}

func (s *student) forgetPurchases(tx *gorm.DB, pseudonym string) error {
	if err := write(tx, "accounts", "UPDATE student_account_balances SET student_id = ? WHERE student_id = ?", pseudonym, s.id); err != nil {
		return err
	}
	for _, p := range s.purchases {
		accepted := maps.Clone(p.Evidence.Accepted)
		for payment, acceptance := range accepted {
			acceptance.Note = ""
			accepted[payment] = acceptance
		}
		p.Evidence.Accepted = accepted
		kept := map[string]string{}
		if p.IsTest() { // it stays out of all sums
			kept["made_by"] = models.MadeByTest
		}
		err := write(tx, "purchases", "UPDATE purchase_transactions SET "+s.place(&p)+" = ?, metadata = ?, stripe_customer_id = NULL, evidence = ? WHERE id = ?",
			pseudonym, *database.JSONOrNull(&kept), *database.JSONOrNull(&p.Evidence), p.ID)
		if err != nil {
			return err
		}
		// The answer to whoever bought it names the student, too.
		if err := write(tx, "answers", "DELETE FROM idempotency_keys WHERE response LIKE ?", `%"id":"`+p.ID+`"%`); err != nil {
			return err
		}
	}
	err := write(tx, "refunds", "UPDATE refund_requests SET reason = 'forgotten' WHERE reason NOT IN ('duplicate', 'fraudulent', 'requested_by_customer') AND ?",
		database.IsAnyOf(tx, "transaction_id", s.ids))
	if err != nil {
		return err
	}
	return write(tx, "shared keys", "DELETE FROM shared_keys WHERE ?", database.IsAnyOf(tx, "purchase_id", s.ids))
}

// place is the column in which a purchase names them; a gift's other student stays.
func (s *student) place(p *models.Purchase) string {
	if p.StudentID != s.id {
		return "beneficiary_id"
	}
	return "student_id"
}

// forgetEntries gives each of what people called a lesson or booking another name,
// the same one for all entries of it. An invoice's id stays.
func (s *student) forgetEntries(tx *gorm.DB, pseudonym string) error {
	names := map[string]string{}
	for _, entry := range s.entries {
		if entry.Reference == nil || entry.EventID != nil {
			continue
		}
		if names[*entry.Reference] == "" {
			names[*entry.Reference] = models.NewPseudonym()
		}
		err := write(tx, "the ledger", "UPDATE hour_ledger_entries SET student_id = ?, reference = ?, reason = NULL WHERE id = ?",
			pseudonym, names[*entry.Reference], entry.ID)
		if err != nil {
			return err
		}
	}
	return write(tx, "the ledger", "UPDATE hour_ledger_entries SET student_id = ? WHERE student_id = ?", pseudonym, s.id)
}

func (s *student) forgetOthers(tx *gorm.DB, pseudonym string) error {
	// What the platform was told, and what it would be still.
	if err := write(tx, "deliveries", "DELETE FROM event_deliveries WHERE ordered_by = ? OR ?", s.id, database.IsAnyOf(tx, "ordered_by", s.cases)); err != nil {
		return err
	}
	if err := write(tx, "lots", "UPDATE hour_lots SET student_id = ? WHERE student_id = ?", pseudonym, s.id); err != nil {
		return err
	}
	if err := write(tx, "subscriptions", "UPDATE stripe_subscriptions SET student_id = ? WHERE student_id = ?", pseudonym, s.id); err != nil {
		return err
	}
	return write(tx, "cases", `UPDATE cases SET student_id = CASE WHEN student_id = ? THEN ? ELSE student_id END, note = NULL, subject = CASE WHEN subject = ? AND kind = 'overdrawn' THEN ? ELSE subject END WHERE ?`,
		s.id, pseudonym, s.id, pseudonym, database.IsAnyOf(tx, "id", s.cases))
}

// forgetEvents keeps that an event came and what became of it. What waits for
// nothing any more can't be woken, either.
func (s *student) forgetEvents(tx *gorm.DB, _ string) error {
	if err := payloads.Remove(tx, s.events); err != nil {
		return err
	}
	return write(tx, "waiting events", "DELETE FROM waiting_events WHERE ?", database.IsAnyOf(tx, "event_id", s.events))
}

// forgetAudit keeps who did what and when, but of the student not to whom, and
// no words. An action says of what its subject is the id: students may be called like
// an API key, or like anything else.
func (s *student) forgetAudit(tx *gorm.DB, pseudonym string) error {
	ofStudent := []models.AuditAction{models.ActionAdjustment, models.ActionGrant, models.ActionForgotten}
	given := "to " + s.id + ", for the plan "
	return write(tx, "the audit log", `UPDATE audit_log SET subject = CASE WHEN action IN ? THEN ? ELSE subject END, note = NULL
		WHERE (action IN ? AND subject = ?) OR (action IN ? AND ?) OR (action IN ? AND ?) OR (action = ? AND ?)
			OR (action = ? AND substr(note, 1, length(?)) = ? AND substr(note, length(?) + 1) NOT LIKE '%, for the plan %')`,
		ofStudent, pseudonym, ofStudent, s.id,
		[]models.AuditAction{models.ActionRefund, models.ActionAcceptance}, database.IsAnyOf(tx, "subject", s.ids),
		[]models.AuditAction{models.ActionCaseClosed, models.ActionPaymentGive}, database.IsAnyOf(tx, "subject", s.cases),
		models.ActionReplay, database.IsAnyOf(tx, "subject", s.events),
		models.ActionPaymentGive, given, given, given)
}

func write(tx *gorm.DB, what, statement string, args ...any) error {
	if err := tx.Exec(statement, args...).Error; err != nil {
		return fmt.Errorf("forget in %s: %w", what, err)
	}
	return nil
}
