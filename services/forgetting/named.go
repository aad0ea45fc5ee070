package forgetting

import (
	"context"
	"fmt"
	"slices"

	"github.com/tidwall/gjson"
	"gorm.io/gorm"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/payloads"
)

// names are what a student is called by at Stripe.
type names struct {
	student   string
	customers []string // and subscriptions
}

// namesOf leaves out customers who bought for others, too: a family's.
func (s *Service) namesOf(ctx context.Context, studentID string) (names, error) {
	n := names{student: studentID}
	err := s.db.Reader.WithContext(ctx).Table("shared_keys k").Joins("JOIN purchase_transactions p ON p.id = k.purchase_id AND p.student_id = ?", studentID).
		Where(`NOT EXISTS (SELECT 1 FROM shared_keys other JOIN purchase_transactions bought ON bought.id = other.purchase_id
			WHERE other.key = k.key AND bought.student_id <> p.student_id)`).
		Distinct().Pluck("k.key", &n.customers).Error
	if err != nil {
		return n, fmt.Errorf("look for a student's customers: %w", err)
	}
	return n, nil
}

// named are the events, by id, that name a student and are not of their purchases.
type named struct {
	unowned []string // of no purchase: those of subscriptions, and what was never matched
	given   []string // of a purchase that staff gave to somebody else
}

// all lists both.
func (n named) all() []string { return slices.Concat(n.unowned, n.given) }

// mayBeForgotten refuses while one of them waits for its purchase, or for staff: without
// what it told, the payment would pay nothing once they give it to somebody.
func (n named) mayBeForgotten(tx *gorm.DB) error {
	var parked int64
	if err := tx.Model(&models.WebhookEvent{}).Where("status = 'parked'").Where(database.IsAnyOf(tx, "id", n.unowned)).Count(&parked).Error; err != nil {
		return fmt.Errorf("look for parked events: %w", err)
	}
	if parked > 0 {
		return models.Errorf(models.CodeConflict, "%d events that name this student wait for their purchase: let them find it, or be given up.", parked)
	}
	var open []string
	these := database.IsAnyOf(tx, "event_id", n.unowned)
	err := tx.Model(&models.Case{}).Where("closed_at IS NULL AND transaction_id IS NULL").
		Where("(? OR payment IN (SELECT key FROM waiting_events WHERE ?))", these, these).
		Order("id").Limit(1).Pluck("id", &open).Error
	if err != nil {
		return fmt.Errorf("look for open cases of events: %w", err)
	}
	if len(open) > 0 {
		return models.Errorf(models.CodeConflict, "Case %s is open, about an event that names this student: settle it first.", open[0])
	}
	return nil
}

// naming looks for the events that name a student. To look at those of all other
// purchases would take as long as the database is large.
func (s *Service) naming(ctx context.Context, studentID string) (found named, err error) {
	n, err := s.namesOf(ctx, studentID)
	if err != nil {
		return found, err
	}
	if found.unowned, err = s.among(ctx, n, "transaction_id IS NULL"); err != nil {
		return found, fmt.Errorf("look at events of no purchase: %w", err)
	}
	var given []string
	err = s.db.Reader.WithContext(ctx).Table("audit_log done").Joins("JOIN cases ON cases.id = done.subject JOIN purchase_keys ON purchase_keys.key = cases.payment").
		Where("done.action = ?", models.ActionPaymentGive).Distinct().Pluck("purchase_id", &given).Error
	if err == nil && len(given) > 0 {
		found.given, err = s.among(ctx, n, "?", database.IsAnyOf(s.db.Reader, "transaction_id", given))
	}
	if err != nil {
		return found, fmt.Errorf("look at events of payments that were given: %w", err)
	}
	return found, nil
}

// among lists those of the events of which a condition holds that name the student.
func (s *Service) among(ctx context.Context, n names, condition string, args ...any) ([]string, error) {
	const chunk = 500
	named := []string{}
	for after := ""; ; {
		var events []models.WebhookEvent
		tx := s.db.Reader.WithContext(ctx)
		err := tx.Select("id", "payload", "snapshot").Where("id > ?", after).Where(condition, args...).Order("id").Limit(chunk).Find(&events).Error
		if err == nil {
			err = payloads.Fill(tx, events)
		}
		if err != nil {
			return nil, err
		}
		named = append(named, n.of(events)...)
		if len(events) < chunk {
			return named, nil
		}
		after = events[len(events)-1].ID
	}
}

// of lists those of the events that name the student.
func (n names) of(events []models.WebhookEvent) (named []string) {
	for _, event := range events {
		if n.in(gjson.Parse(event.Payload)) || event.Snapshot != nil && n.in(gjson.Parse(*event.Snapshot)) {
			named = append(named, event.ID)
		}
	}
	return named
}

// in says whether JSON names the student where services/stripe reads one, in whichever
// object. A customer chooses what to be called: the same words elsewhere, a currency,
// say, are others'.
func (n names) in(r gjson.Result) (found bool) {
	if !r.IsObject() && !r.IsArray() {
		return false
	}
	r.ForEach(func(name, member gjson.Result) bool {
		switch name.Str {
		case "client_reference_id":
			found = member.Str == n.student
		case "metadata":
			found = member.Get("student_id").Str == n.student || member.Get("beneficiary_id").Str == n.student
		case "customer", "id":
			found = slices.Contains(n.customers, member.Str)
		}
		found = found || n.in(member)
		return !found
	})
	return found
}
