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

// start is the moment from which on hours expire: what should have before does at
// that moment. nil: not yet. A database that held hours with an end before
// Hourbank let any expire waits for its operator to say so.
func start(tx *gorm.DB) (*time.Time, error) {
	var e expiry
	if err := tx.Session(&gorm.Session{NewDB: true}).Take(&e).Error; err != nil {
		return nil, fmt.Errorf("read from when on hours expire: %w", err)
	}
	return e.ExpiresFrom, nil
}
