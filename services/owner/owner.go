// Package owner keeps the money of one mode (live, test, sandbox) and Stripe
// account apart from all other: a database remembers whose its first event or
// sale was, and takes no other.
package owner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/stripe"
)

// Service stamps the database, and refuses one that is another's. It is safe
// for concurrent use.
type Service struct {
	db      *database.DB
	own     Program
	stamped atomic.Pointer[models.Owner] // as read last; it never changes once it is complete
}

// Program is whose money this program is set up for.
type Program struct {
	Mode    models.Mode // empty where nothing says it: then the database's, or the first event's
	Account string      // empty where it is not known
	StandIn bool        // what it speaks to is a stand-in for Stripe on this machine
}

// owner is the program as a database's owner.
func (p Program) owner() models.Owner {
	o := models.Owner{Mode: p.Mode}
	if p.Account != "" {
		o.StripeAccount = &p.Account
	}
	return o
}

// New makes the service.
func New(db *database.DB, own Program) *Service { return &Service{db: db, own: own} }

// SetAccount says whose the program's secret key is, before anything is served.
func (s *Service) SetAccount(id string) {
	s.own.Account = id
	s.stamped.Store(nil) // the database may not know it yet
}

// MismatchError is a database that holds other money than the program is set
// up for.
type MismatchError struct {
	Database models.Owner
	Program  Program
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("DATABASE_URL: the database belongs to %s (since %s), but this program is set up for %s: money of two never mixes, so give each a database of its own",
		e.Database, e.Database.CreatedAt.UTC().Format("2006-01-02"), e.Program.owner())
}

// Get reads whose the database is; nil where nothing came yet.
func (s *Service) Get(ctx context.Context) (*models.Owner, error) {
	var rows []models.Owner
	if err := s.db.Reader.WithContext(ctx).Limit(1).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read whose the database is: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return &rows[0], nil
}

// Check gives whose the database is, nil where nothing came yet. It returns a
// *MismatchError where it is another's. What is complete is not read again.
func (s *Service) Check(ctx context.Context) (*models.Owner, error) {
	known, err := s.Get(ctx)
	if err != nil || known == nil {
		return nil, err
	}
	if err := s.accept(known); err != nil {
		return nil, err
	}
	if known.StripeAccount != nil || s.own.Account == "" {
		s.stamped.Store(known)
	}
	return known, nil
}

// Stamp makes the database ours within the transaction of a first event or
// sale, whose livemode counts where the program knows no mode. It gives the
// livemode of all that is ours, or a *MismatchError.
func (s *Service) Stamp(tx *gorm.DB, livemode bool) (bool, error) {
	if known := s.stamped.Load(); known != nil {
		return known.Mode == models.ModeLive, nil
	}
	ours := s.own.owner()
	ours.Singleton, ours.CreatedAt = true, tx.NowFunc()
	if ours.Mode == "" {
		ours.Mode = models.ModeOf(livemode)
	}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&ours).Error; err != nil {
		return false, fmt.Errorf("stamp the database: %w", err)
	}
	var known models.Owner // the first one's, which may have been another's
	if err := tx.Take(&known).Error; err != nil {
		return false, fmt.Errorf("read whose the database is: %w", err)
	}
	if known.StripeAccount == nil && ours.StripeAccount != nil {
		known.StripeAccount = ours.StripeAccount
		err := tx.Model(&models.Owner{}).Where("stripe_account IS NULL").Update("stripe_account", *ours.StripeAccount).Error
		if err != nil {
			return false, fmt.Errorf("note the database's Stripe account: %w", err)
		}
	}
	return known.Mode == models.ModeLive, s.accept(&known)
}

// ErrUnclaimed is a database that holds hours of which nothing says the mode.
var ErrUnclaimed = errors.New("DATABASE_URL: the database has hours in it, and nothing says of which mode: --sandbox takes a new database, or one that a sandbox began")

// RefuseUnclaimed returns ErrUnclaimed where the program is a sandbox and the database
// holds what may be anybody's: a grant, or a lesson, says of no mode.
func (s *Service) RefuseUnclaimed(ctx context.Context) error {
	if s.own.Mode != models.ModeSandbox {
		return nil
	}
	var unclaimed bool
	err := s.db.Reader.WithContext(ctx).Raw(`SELECT NOT EXISTS (SELECT 1 FROM database_owner)
		AND EXISTS (SELECT 1 FROM hour_ledger_entries)`).Row().Scan(&unclaimed)
	if err != nil {
		return fmt.Errorf("look whether the database holds anything: %w", err)
	}
	if unclaimed {
		return ErrUnclaimed
	}
	return nil
}

// RefuseOthers lets events be ignored that are of another mode than the
// database's, which the first one of our account decides. It returns a
// *MismatchError where the database is another's.
func (s *Service) RefuseOthers(tx *gorm.DB, events []*stripe.Event) error {
	isOurs := func(e *stripe.Event) bool { return !e.IsOwn() && e.Reason != models.ReasonForeignAccount }
	first := slices.IndexFunc(events, isOurs)
	if first < 0 {
		return nil
	}
	livemode, err := s.Stamp(tx, events[first].Livemode)
	if err != nil {
		return err
	}
	for _, e := range events[first:] {
		if isOurs(e) && e.Livemode != livemode {
			e.Status, e.Reason = models.EventIgnored, models.ReasonLivemodeMismatch
		}
	}
	return nil
}

// Committed notes that a transaction with Stamp was committed, so that none
// looks again. Where that can't be read now, the next one is noted.
func (s *Service) Committed(ctx context.Context) {
	if s.stamped.Load() == nil {
		_, _ = s.Check(ctx)
	}
}

// accept returns a *MismatchError where the database is another's. A sandbox's
// is also that of a command that speaks to the stand-in, with a test key.
func (s *Service) accept(known *models.Owner) error {
	sandboxed := known.Mode == models.ModeSandbox && s.own.Mode == models.ModeTest && s.own.StandIn
	sameMode := s.own.Mode == "" || s.own.Mode == known.Mode || sandboxed
	sameAccount := known.StripeAccount == nil || s.own.Account == "" || *known.StripeAccount == s.own.Account
	if sameMode && sameAccount {
		return nil
	}
	return &MismatchError{Database: *known, Program: s.own}
}
