package models

import (
	"fmt"
	"time"
)

// Mode is which kind of money a database holds. They never mix.
type Mode string

// The modes. An empty Mode is not known yet.
const (
	ModeLive    Mode = "live"
	ModeTest    Mode = "test"
	ModeSandbox Mode = "sandbox" // the stand-in's, of serve --sandbox
)

// ModeOf is the mode of Stripe's objects with this livemode.
func ModeOf(livemode bool) Mode {
	if livemode {
		return ModeLive
	}
	return ModeTest
}

// Owner is whose money a database holds: that of one mode of one Stripe
// account, set by its first event or sale and never changed.
type Owner struct {
	Singleton     bool      `gorm:"primaryKey" json:"-"` // there is one row
	Mode          Mode      `json:"mode"`
	StripeAccount *string   `json:"stripe_account"` // null until it is known
	CreatedAt     time.Time `json:"created_at"`
}

// TableName says where it is.
func (Owner) TableName() string { return "database_owner" }

func (o Owner) String() string {
	if o.StripeAccount == nil {
		return fmt.Sprintf("%s mode", o.Mode)
	}
	return fmt.Sprintf("%s mode of %s", o.Mode, *o.StripeAccount)
}
