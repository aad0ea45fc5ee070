package stripe

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/tidwall/gjson"

	"hourbank/models/money"
)

// ownEvents is how the types of events begin that we make ourselves, so that
// what a person decided is kept and applied like what Stripe tells.
const ownEvents = "hourbank."

const paymentAccepted = ownEvents + "payment_accepted"

// IsOwn says whether the event is one of ours, which no webhook may bring.
func (e *Event) IsOwn() bool { return strings.HasPrefix(e.Type, ownEvents) }

// Accepted is the event that a person lets a payment count as paid in full.
// Saying so again is the same event.
func (s *StripeService) Accepted(purchaseID, payment, by, note string, at time.Time) (*Event, error) {
	id := uuid.NewSHA1(uuid.NameSpaceURL, []byte(purchaseID+"\x00"+payment))
	payload, err := json.Marshal(map[string]any{
		"id": "evt_hourbank_" + id.String(), "object": "event", "type": paymentAccepted, "created": at.Unix(), "livemode": s.Live(),
		"data": map[string]any{"object": map[string]any{
			"id": payment, "by": by, "note": note, "metadata": map[string]any{"purchase_transaction_id": purchaseID},
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("encode an acceptance: %w", err)
	}
	return s.Decode(payload, "")
}

func readAcceptance(e *Event, acceptance gjson.Result) {
	e.readNames(acceptance)
	e.Payment = e.Object
	e.tell(money.Evidence{Accepted: map[string]money.Acceptance{
		e.Object: {At: e.at(), By: text(acceptance.Get("by")), Note: sentence(acceptance.Get("note"))},
	}})
}
