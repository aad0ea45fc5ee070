package models

// TransactionType says what was sold: a package of hours, or a subscription's
// period of them.
type TransactionType string

// The two ways of selling hours.
const (
	TypePackage      TransactionType = "package"
	TypeSubscription TransactionType = "subscription"
)

// EventStatus says what became of a stored event.
type EventStatus string

// An event is parked until its purchase is found; the other three are final,
// though any event may be replayed.
const (
	EventProcessed EventStatus = "processed"
	EventIgnored   EventStatus = "ignored"
	EventRejected  EventStatus = "rejected"
	EventParked    EventStatus = "parked"
)

// EventStatuses lists every event status.
var EventStatuses = []EventStatus{EventProcessed, EventIgnored, EventRejected, EventParked}

// Reason is the stable word for why an event ended as it did.
type Reason string

// Reasons, by the status that they come with. An event that opens a case has
// the case's kind as its reason.
const (
	ReasonNone  Reason = ""
	ReasonStale Reason = "stale" // processed: it told nothing new

	ReasonUnsupportedType  Reason = "unsupported_type"  // ignored
	ReasonUnmatched        Reason = "unmatched"         // ignored: parked longer than PARK_FOR
	ReasonLivemodeMismatch Reason = "livemode_mismatch" // ignored
	ReasonForeignAccount   Reason = "foreign_account"   // ignored: it names another account than ours
	ReasonNotAPeriod       Reason = "not_a_period"      // ignored: an invoice that sells no hours

	ReasonMissingObject Reason = "missing_object" // rejected: no data.object, or one without an id
)

// EntryKind says why a ledger entry moved hours.
type EntryKind string

// Every movement of hours is one of these.
const (
	EntryCredit        EntryKind = "credit"        // what is due was paid
	EntryPayment       EntryKind = "payment"       // money that moves no hours: too little yet, or too much
	EntryReversal      EntryKind = "reversal"      // money was refunded or disputed
	EntryReinstatement EntryKind = "reinstatement" // money came back after a reversal
	EntryConsumption   EntryKind = "consumption"   // a lesson was booked
	EntryRestoration   EntryKind = "restoration"   // a booking was given back
	EntryGrant         EntryKind = "grant"         // hours given without money, with a reason
	EntryAdjustment    EntryKind = "adjustment"    // staff, with a reason
	EntryHold          EntryKind = "hold"          // hours are kept for a lesson
	EntryRelease       EntryKind = "release"       // a hold is over: given back, or captured by a consumption
	EntryExpiration    EntryKind = "expiration"    // what was left of a lot at its end; or came back to it since
)

// EntryKinds lists every kind.
var EntryKinds = []EntryKind{
	EntryCredit, EntryPayment, EntryReversal, EntryReinstatement, EntryConsumption, EntryRestoration, EntryGrant, EntryAdjustment,
	EntryHold, EntryRelease, EntryExpiration,
}

// LotKinds are those that make lots, draw from them, or undo that, beside purchases.
var LotKinds = []EntryKind{EntryConsumption, EntryRestoration, EntryHold, EntryRelease, EntryAdjustment, EntryGrant}
