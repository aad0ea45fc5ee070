package lots

import (
	"fmt"
	"time"

	"gorm.io/gorm"
)

// expiry says from when on hours expire.
type expiry struct {
	Singleton   bool `gorm:"primaryKey"`
	ExpiresFrom *time.Time
}

// TableName says where it is.
func (expiry) TableName() string { return "hour_expiry" }

// Start is the moment from which on hours expire: what should have before does at
// that moment. nil: not yet. A database that held hours with an end before
// Hourbank let any expire waits for its operator to say so.
func Start(tx *gorm.DB) (*time.Time, error) {
	var e expiry
	if err := tx.Session(&gorm.Session{NewDB: true}).Take(&e).Error; err != nil {
		return nil, fmt.Errorf("read from when on hours expire: %w", err)
	}
	return e.ExpiresFrom, nil
}

// SetStart lets hours expire from a moment on. All bookings are drawn from the lots
// anew, since nobody did as long as nothing expired.
func SetStart(tx *gorm.DB, from time.Time) error {
	if err := tx.Model(&expiry{}).Where("singleton").Update("expires_from", from).Error; err != nil {
		return fmt.Errorf("say from when on hours expire: %w", err)
	}
	if err := tx.Exec("UPDATE hour_lots SET stale = true").Error; err != nil {
		return fmt.Errorf("have lots drawn from anew: %w", err)
	}
	return nil
}
