package lots

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"hourbank/database"
	"hourbank/models"
)

// Service answers operators' questions about hours that expire. It is safe for
// concurrent use.
type Service struct{ db *database.DB }

// New makes the service.
func New(db *database.DB) *Service { return &Service{db} }

// Ended lists the lots that have an end before now and of which hours are left, or
// would be, were it not for Start: what expires once the operator says so. Draws and
// ends are as the facts have them, whether or not anybody settled.
func (s *Service) Ended(ctx context.Context) (models.Lots, error) {
	tx, now := s.db.Reader.WithContext(ctx), s.db.NowFunc()
	ended := models.Lots{}
	for after := ""; ; {
		var students []string
		err := tx.Model(&models.Lot{}).Distinct("student_id").Where("expires_at <= ? AND hours > expired AND student_id > ?", now, after).
			Order("student_id").Limit(settleMany).Find(&students).Error
		if err != nil {
			return nil, fmt.Errorf("look for lots that ended: %w", err)
		}
		for _, student := range students {
			lots, err := Drawn(tx, student)
			if err != nil {
				return nil, err
			}
			for _, l := range lots {
				if !l.IsValidAt(now) && l.Left() > 0 {
					ended = append(ended, l)
				}
			}
			after = student
		}
		if len(students) < settleMany {
			slices.SortStableFunc(ended, func(a, b models.Lot) int { return a.ExpiresAt.Compare(b.ExpiresAt) })
			return ended, nil
		}
	}
}

// Drawn gives a student's lots with all bookings drawn from them, and changes nothing.
func Drawn(tx *gorm.DB, studentID string) (models.Lots, error) {
	var lots models.Lots
	if err := tx.Where("student_id = ?", studentID).Find(&lots).Error; err != nil {
		return nil, fmt.Errorf("read lots: %w", err)
	}
	lots.Sort()
	draws, err := Draws(tx, studentID)
	lots.DrawAnew(draws)
	return lots, err
}

// Start is the moment from which on hours expire; nil: none yet.
func (s *Service) Start(ctx context.Context) (*time.Time, error) {
	return start(s.db.Reader.WithContext(ctx))
}

// SetStart lets hours expire from a moment on. All bookings are drawn from the lots
// anew, since nobody did as long as nothing expired.
func (s *Service) SetStart(ctx context.Context, from time.Time) error {
	return database.Transact(ctx, s.db, func(tx *gorm.DB) error {
		if err := tx.Model(&expiry{}).Where("singleton").Update("expires_from", from).Error; err != nil {
			return fmt.Errorf("say from when on hours expire: %w", err)
		}
		if err := tx.Exec("UPDATE hour_lots SET stale = true").Error; err != nil {
			return fmt.Errorf("have lots drawn from anew: %w", err)
		}
		return nil
	})
}
