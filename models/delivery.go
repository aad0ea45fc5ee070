package models

import "time"

// Delivery is an event that one endpoint of the platform's is told, in the words in
// which it was written beside what it tells of.
type Delivery struct {
	ID            string     `gorm:"primaryKey" json:"id"` // webhook-id
	Sequence      int64      `gorm:"->" json:"-"`          // of one student's, the order in which they are sent
	Endpoint      string     `json:"endpoint"`             // its URL
	OrderedBy     string     `json:"-"`                    // the student; or the case, where it is of none
	Type          string     `json:"type"`
	Payload       string     `json:"payload"`
	Status        string     `gorm:"->" json:"status"` // "due", "delivered" or "failed"
	Attempts      int        `json:"attempts"`         // since then:
	TriedSince    time.Time  `json:"tried_since"`      // it was written, or somebody had it sent again
	LastError     *string    `json:"last_error"`
	CreatedAt     time.Time  `json:"created_at"`
	NextAttemptAt *time.Time `json:"next_attempt_at"`
	DeliveredAt   *time.Time `json:"delivered_at"`
	FailedAt      *time.Time `json:"failed_at"` // when it was given up
}

// TableName says where they are.
func (Delivery) TableName() string { return "event_deliveries" }
