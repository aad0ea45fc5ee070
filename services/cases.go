package services

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"hourbank/database"
	"hourbank/models"
	"hourbank/models/money"
	"hourbank/services/auditlog"
	"hourbank/services/ingest"
	"hourbank/services/paging"
	"hourbank/services/plans"
	"hourbank/services/sales"
)

// CaseService shows cases, and lets staff end them. The facts open and close
// them, in the transaction that tells the facts. It is safe for concurrent use.
type CaseService struct {
	db     *database.DB
	events *EventService
}

// NewCaseService makes the service.
func NewCaseService(db *database.DB, events *EventService) *CaseService {
	return &CaseService{db: db, events: events}
}

// CaseFilter picks cases; what is empty picks all.
type CaseFilter struct{ Status, Kind, StudentID string }

// SortUrgent sorts cases by urgency: what has a due date first, by that, then by
// kind, and what has waited longest first.
const SortUrgent = "urgent"

// List pages through cases, newest first, or the most urgent first. It returns
// a *models.Error with code invalid_request or invalid_cursor.
func (s *CaseService) List(ctx context.Context, filter CaseFilter, page paging.PageRequest) (paging.Page[models.Case], error) {
	query := s.db.Reader.WithContext(ctx)
	switch filter.Status {
	case "":
	case "open":
		query = query.Where("closed_at IS NULL")
	case "closed":
		query = query.Where("closed_at IS NOT NULL")
	default:
		return paging.Page[models.Case]{}, models.Errorf(models.CodeInvalidRequest, "status must be open or closed.")
	}
	if filter.Kind != "" {
		if err := checkKind(filter.Kind); err != nil {
			return paging.Page[models.Case]{}, err
		}
		query = query.Where("kind = ?", filter.Kind)
	}
	if filter.StudentID != "" {
		query = query.Where("student_id = ?", filter.StudentID)
	}
	if page.Sort == SortUrgent {
		return paging.Read(page.Within(query, "opened_at"), byUrgency(), page, urgencyOf)
	}
	return paging.ByTime(query, "opened_at", "id", page, func(c *models.Case) paging.Position { return paging.Position{Time: c.OpenedAt, ID: c.ID} })
}

// byUrgency is the order of SortUrgent; urgencyOf says the same of one case.
func byUrgency() paging.Order {
	rank := "CASE WHEN due_by IS NOT NULL THEN 0"
	for i, kind := range models.CaseKinds {
		rank += fmt.Sprintf(" WHEN kind = '%s' THEN %d", kind, i+1)
	}
	return paging.Order{Name: SortUrgent, Rank: rank + " ELSE 0 END", Time: "coalesce(due_by, opened_at)", ID: "id", Upwards: true}
}

func urgencyOf(c *models.Case) paging.Position {
	if c.DueBy != nil {
		return paging.Position{Time: *c.DueBy, ID: c.ID}
	}
	return paging.Position{Rank: slices.Index(models.CaseKinds, c.Kind) + 1, Time: c.OpenedAt, ID: c.ID}
}

func checkKind(kind string) error {
	if !slices.Contains(models.CaseKinds, models.CaseKind(kind)) {
		return models.Errorf(models.CodeInvalidRequest, "kind must be one of %s.", strings.Trim(fmt.Sprint(models.CaseKinds), "[]"))
	}
	return nil
}

// Get gives one case. It returns a *models.Error with code not_found.
func (s *CaseService) Get(ctx context.Context, id string) (*models.Case, error) {
	return readCase(s.db.Reader.WithContext(ctx), id)
}

func readCase(tx *gorm.DB, id string) (*models.Case, error) {
	var c models.Case
	err := tx.Where("id = ?", id).Take(&c).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, models.Errorf(models.CodeNotFound, "There is no such case.")
	}
	if err != nil {
		return nil, fmt.Errorf("read a case: %w", err)
	}
	return &c, nil
}

// Close ends a case by a person's word, which stays. It opens again only when
// its amount grows. Closing a closed one changes nothing. It returns a
// *models.Error with code not_found or invalid_request.
func (s *CaseService) Close(ctx context.Context, id, by, note string) (*models.Case, error) {
	if err := models.ValidateText("note", note); err != nil {
		return nil, err
	}
	var closed *models.Case
	err := database.Transact(ctx, s.db, func(tx *gorm.DB) error {
		ended := tx.Model(&models.Case{}).Where("id = ? AND closed_at IS NULL", id).
			Updates(map[string]any{"closed_at": tx.NowFunc(), "closed_by": by, "note": note})
		if ended.Error != nil {
			return fmt.Errorf("close a case: %w", ended.Error)
		}
		if ended.RowsAffected > 0 {
			if err := auditlog.Write(tx, by, models.ActionCaseClosed, id, note); err != nil {
				return err
			}
		}
		var err error
		closed, err = readCase(tx, id)
		return err
	})
	return closed, err
}

// Give makes, in a person's name, the purchase that an unmatched payment or
// unexplained invoice was for, of a student and a plan, and applies the events
// that waited for it. It returns a *models.Error with code not_found, invalid_request, conflict where
// the case is of another kind or its payment has a purchase meanwhile, or
// currency_mismatch.
func (s *CaseService) Give(ctx context.Context, id, studentID, planID, by string) (*models.Purchase, error) {
	if err := errors.Join(models.ValidateStudent("student_id", studentID), models.ValidateID("plan", planID)); err != nil {
		return nil, err
	}
	c, err := s.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if !c.CanBeGiven() {
		return nil, models.Errorf(models.CodeConflict, "Only a payment without a purchase can be given to a student.")
	}
	plan, err := plans.Read(s.db.Reader.WithContext(ctx), planID)
	if err != nil {
		return nil, err
	}
	n := models.NewPurchase{StudentID: studentID}
	n.OfPlan(plan, 1)
	if err := n.Validate(); err != nil {
		return nil, err
	}
	p := n.Purchase(s.db.NowFunc())
	p.SoldBy(objectOf(*c.Payment))
	waiting, err := waitingFor(s.db.Reader.WithContext(ctx), *c.Payment)
	if err != nil {
		return nil, err
	}
	err = database.Transact(ctx, s.db, func(tx *gorm.DB) error {
		if err := sales.InsertPurchase(tx, p); err != nil {
			return err
		}
		return auditlog.Write(tx, by, models.ActionPaymentGive, id, "to "+studentID+", for the plan "+planID)
	})
	if err != nil {
		return nil, err
	}
	for _, eventID := range waiting {
		if _, err := s.events.replay(ctx, eventID); err != nil {
			return nil, fmt.Errorf("apply an event that waited: %w", err) // the retry worker tries it again
		}
	}
	return sales.ReadPurchase(s.db.WithContext(ctx), p.ID)
}

// objectOf is the evidence that an object exists, by the prefix of Stripe's
// id: nothing else is known of it.
func objectOf(id string) money.Evidence {
	switch {
	case strings.HasPrefix(id, "in_"):
		return money.Evidence{Invoices: map[string]money.Invoice{id: {}}}
	case strings.HasPrefix(id, "cs_"):
		return money.Evidence{Sessions: map[string]money.Session{id: {}}}
	case strings.HasPrefix(id, "ch_"), strings.HasPrefix(id, "py_"):
		return money.Evidence{Charges: map[string]money.Charge{id: {}}}
	default:
		return money.Evidence{Payments: map[string]money.Payment{id: {}}}
	}
}

// waitingFor lists the events that wait for a key, by id.
func waitingFor(tx *gorm.DB, key string) ([]string, error) {
	var ids []string
	if err := tx.Table("waiting_events").Where("key = ?", key).Order("event_id").Pluck("event_id", &ids).Error; err != nil {
		return nil, fmt.Errorf("look for events that wait: %w", err)
	}
	return ids, nil
}

// Accept lets a payment of a purchase count as paid in full, by a person's
// word. That word is an event of ours, kept and applied like Stripe's. It
// returns a *models.Error with code not_found, invalid_request where the
// purchase has no such payment or nothing was received by it, or
// currency_mismatch where its hours can't be booked on its student's account.
func (s *CaseService) Accept(ctx context.Context, purchaseID, payment, by, note string) error {
	if err := models.ValidateText("note", note); err != nil {
		return err
	}
	p, err := sales.ReadPurchase(s.db.Reader.WithContext(ctx), purchaseID)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(p.Derive().Payments, func(known models.PaymentState) bool { return known.ID == payment && known.Received > 0 }) {
		return models.Errorf(models.CodeInvalidRequest, "This purchase received nothing by a payment %q.", payment)
	}
	would, err := s.PreviewAcceptance(ctx, p.ID, payment)
	if err != nil {
		return err
	}
	if would == nil {
		return models.Errorf(models.CodeCurrencyMismatch, "The account of its student is in another currency, so that its hours can't be booked: refund it in Stripe's dashboard.")
	}
	event, err := s.events.stripe.Accepted(p.ID, payment, by, note, s.db.NowFunc())
	if err != nil {
		return err
	}
	if _, accepted := p.Evidence.Accepted[payment]; !accepted { // written before: a caller that hangs up doesn't stop the event
		if err := auditlog.Write(s.db.WithContext(ctx), by, models.ActionAcceptance, p.ID, payment+": "+note); err != nil {
			return err
		}
	}
	_, err = s.events.payments.Handle(ctx, event)
	return err
}

// PreviewAcceptance says what accepting a payment would change of its purchase,
// without doing it; nil where it can't be booked.
func (s *CaseService) PreviewAcceptance(ctx context.Context, purchaseID, payment string) (*ingest.PurchaseChange, error) {
	event, err := s.events.stripe.Accepted(purchaseID, payment, "", "", s.db.NowFunc())
	if err != nil {
		return nil, err
	}
	return s.events.payments.Preview(ctx, event)
}

// OpenCases counts open cases by kind.
func (s *CaseService) OpenCases(ctx context.Context) (map[string]int64, error) {
	var rows []struct {
		Kind  string
		Count int64
	}
	err := s.db.Reader.WithContext(ctx).Model(&models.Case{}).Select("kind, count(*) AS count").
		Where("closed_at IS NULL").Group("kind").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count open cases: %w", err)
	}
	counts := map[string]int64{}
	for _, kind := range models.CaseKinds {
		counts[string(kind)] = 0
	}
	for _, row := range rows {
		counts[row.Kind] = row.Count
	}
	return counts, nil
}
