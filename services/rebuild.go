package services

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hourbank/database"
	"hourbank/models"
	"hourbank/models/money"
	"hourbank/services/archive"
	"hourbank/services/audit"
	"hourbank/services/ingest"
	"hourbank/services/stripe"
)

// RebuildService derives every purchase again from the stored events: the
// proof that state is a function of evidence, and the cure for rows that older
// rules got wrong.
type RebuildService struct {
	db     *database.DB
	events *EventService
}

// NewRebuildService makes the service.
func NewRebuildService(db *database.DB, events *EventService) *RebuildService {
	return &RebuildService{db: db, events: events}
}

// RebuildOptions say what to do, and whom to tell of it.
type RebuildOptions struct {
	DryRun   bool
	Archive  *archive.Payloads // what the database keeps no more; nil: none
	Progress func(what string) // told of every purchase and event; may be nil
}

// Rebuilding is a purchase that its events make another than was recorded.
type Rebuilding struct {
	TransactionID string             `json:"transaction_id"`
	StudentID     string             `json:"student_id"`
	Fields        []audit.Difference `json:"fields"` // recorded and expected
	Why           string             `json:"why"`    // what of its evidence makes the difference
}

// RebuildReport is the result of a rebuild.
type RebuildReport struct {
	DryRun    bool         `json:"dry_run"`
	Purchases int          `json:"purchases"` // that were derived again
	Eventless int          `json:"eventless"` // that were left: not all payloads of theirs are stored
	Rebuilt   []Rebuilding `json:"rebuilt"`
	Events    []Correction `json:"events"` // that had no purchase, and have one now
	// Events without a purchase that could not be tried: nothing is kept of them.
	EventsWithoutPayload int `json:"events_without_payload"`
	// What accounts and lots said beside their ledger entries, and say no more.
	Accounts []audit.Difference `json:"accounts"`
}

const rebuildChunk = 200

// Run derives every purchase again, tries the events that ended without one, then
// re-adds accounts that are not the sums of their ledger entries. Beside a serving instance each purchase is locked for its own rebuild
// only. Running it twice changes nothing twice.
func (s *RebuildService) Run(ctx context.Context, o RebuildOptions) (*RebuildReport, error) {
	report := &RebuildReport{DryRun: o.DryRun, Rebuilt: []Rebuilding{}, Events: []Correction{}, Accounts: []audit.Difference{}}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	for after := ""; ; {
		var ids []string
		err := s.db.Reader.WithContext(ctx).Model(&models.Purchase{}).Where("id > ? AND merged_into IS NULL", after).
			Order("id").Limit(rebuildChunk).Pluck("id", &ids).Error
		if err != nil {
			return report, fmt.Errorf("list purchases: %w", err)
		}
		for _, id := range ids {
			if err := s.purchase(ctx, id, o, report); err != nil {
				return report, err
			}
			o.Progress("purchases")
			after = id
		}
		if len(ids) < rebuildChunk {
			break
		}
	}
	if err := s.unowned(ctx, o, report); err != nil {
		return report, err
	}
	var err error
	report.Accounts, err = audit.New(s.db).Readd(ctx, o.DryRun, func(int) { o.Progress("accounts") })
	return report, err
}

// purchase rebuilds one.
func (s *RebuildService) purchase(ctx context.Context, id string, o RebuildOptions, report *RebuildReport) error {
	var found Rebuilding
	known, merged := true, false
	work := func(tx *gorm.DB) error {
		if !o.DryRun { // before its events are read: what comes meanwhile waits
			var p models.Purchase
			locked := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Select("id", "merged_into").Take(&p, "id = ?", id)
			if merged = p.MergedInto != nil; merged || locked.Error != nil {
				return locked.Error
			}
		}
		events, err := s.eventsOf(tx, id, o.Archive)
		if err != nil {
			return err
		}
		if known = len(events) > 0; !known {
			return nil
		}
		recorded, booked, rebuilt, err := ingest.Rebuild(tx, id, events, !o.DryRun)
		if err != nil {
			return err
		}
		found = Rebuilding{TransactionID: id, StudentID: recorded.StudentID, Fields: audit.Between(recorded, rebuilt), Why: why(rebuilt)}
		if len(found.Fields) == 0 {
			found.Fields = audit.Between(booked, rebuilt) // the row is right, and the ledger is not
		}
		return nil
	}
	var err error
	if o.DryRun {
		err = work(s.db.Reader.WithContext(ctx))
	} else {
		err = database.Transact(ctx, s.db, work)
	}
	switch {
	case err != nil:
		return fmt.Errorf("rebuild purchase %s: %w", id, err)
	case merged: // since it was listed: its events are another's
		return nil
	case !known:
		report.Eventless++
		return nil
	}
	report.Purchases++
	if len(found.Fields) > 0 {
		report.Rebuilt = append(report.Rebuilt, found)
	}
	return nil
}

// eventsOf reads the events of a purchase, and of those merged into it; none
// where the payload of one is not kept any more, nor archived.
func (s *RebuildService) eventsOf(tx *gorm.DB, id string, archived *archive.Payloads) ([]*stripe.Event, error) {
	var merged []string
	if err := tx.Model(&models.Purchase{}).Where("merged_into = ?", id).Pluck("id", &merged).Error; err != nil {
		return nil, fmt.Errorf("look for merged purchases: %w", err)
	}
	var stored []models.WebhookEvent
	err := tx.Where(database.IsAnyOf(tx, "transaction_id", append(merged, id))).Order("received_at, id").Find(&stored).Error
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	if err := fill(tx, id, stored, archived); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(stored, func(e models.WebhookEvent) bool { return !e.HasPayload() }) {
		return nil, nil
	}
	return s.events.decodeAll(stored)
}

// why names what of a purchase's evidence older rules did not know.
func why(p *models.Purchase) string {
	d := p.Derive()
	var reasons []string
	paid := slices.DeleteFunc(slices.Clone(d.Payments), func(s models.PaymentState) bool { return s.Received == 0 })
	if len(paid) > 1 {
		reasons = append(reasons, fmt.Sprintf("%d payments", len(paid)))
	}
	if d.AmountDue != p.Amount {
		reasons = append(reasons, "what was due is not the price")
	}
	for _, dispute := range p.Evidence.Disputes {
		if len(dispute.Transactions) > 0 || dispute.Status == money.DisputePrevented || dispute.Status == money.DisputeChargeRefunded {
			reasons = append(reasons, "a dispute holds what its balance transactions say")
			break
		}
	}
	for _, charge := range p.Evidence.Charges {
		if charge.Authorised > charge.Captured.Amount && charge.Refunded.Amount > 0 {
			reasons = append(reasons, "a released authorisation is no refund")
			break
		}
	}
	for _, c := range d.Cases {
		reasons = append(reasons, string(c.Kind))
	}
	if len(reasons) == 0 {
		return "its events say so"
	}
	return strings.Join(slices.Compact(reasons), ", ")
}

// unowned tries the events again that ended without a purchase, of the types
// that tell something.
func (s *RebuildService) unowned(ctx context.Context, o RebuildOptions, report *RebuildReport) error {
	for after := ""; ; {
		var ids []string
		db := s.db.Reader.WithContext(ctx)
		err := db.Model(&models.WebhookEvent{}).Where("id > ? AND transaction_id IS NULL AND status <> 'processed'", after).
			Where(database.IsAnyOf(db, "type", stripe.Supported())).Order("id").Limit(rebuildChunk).Pluck("id", &ids).Error
		if err != nil {
			return fmt.Errorf("list events without a purchase: %w", err)
		}
		for _, id := range ids {
			if err := s.event(ctx, id, o, report); err != nil {
				return err
			}
			o.Progress("events")
			after = id
		}
		if len(ids) < rebuildChunk {
			return nil
		}
	}
}

func (s *RebuildService) event(ctx context.Context, id string, o RebuildOptions, report *RebuildReport) error {
	stored, err := s.events.Get(ctx, id)
	if err != nil {
		return err
	}
	if err := o.Archive.FillUnowned(s.db.Reader.WithContext(ctx), stored); err != nil {
		return err
	}
	if !stored.HasPayload() {
		report.EventsWithoutPayload++
		return nil
	}
	change, err := s.events.PreviewReplay(ctx, stored)
	if err != nil || change == nil {
		return err
	}
	found := Correction{Source: "event", ID: id, Type: stored.Type, Change: change}
	if !o.DryRun {
		outcome, err := s.events.again(ctx, stored, ingest.Replayed)
		if err != nil {
			return err
		}
		found.Outcome = &outcome
	}
	report.Events = append(report.Events, found)
	return nil
}
