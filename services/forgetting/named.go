package forgetting

import (
	"context"
	"fmt"
	"slices"

	"github.com/tidwall/gjson"

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

// naming lists the events that name a student and are of no purchase: those of
// subscriptions, and what was never matched.
func (s *Service) naming(ctx context.Context, studentID string) ([]string, error) {
	const chunk = 500
	n, err := s.namesOf(ctx, studentID)
	if err != nil {
		return nil, err
	}
	named := []string{}
	for after := ""; ; {
		var events []models.WebhookEvent
		tx := s.db.Reader.WithContext(ctx)
		err := tx.Select("id", "payload", "snapshot").Where("transaction_id IS NULL AND id > ?", after).Order("id").Limit(chunk).Find(&events).Error
		if err == nil {
			err = payloads.Fill(tx, events)
		}
		if err != nil {
			return nil, fmt.Errorf("look for events that name a student: %w", err)
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
