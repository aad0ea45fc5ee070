package console

import (
	"bytes"
	"encoding/json"

	"github.com/gin-gonic/gin"

	"hourbank/models"
	"hourbank/services/ingest"
)

type eventsPage struct {
	listing[models.WebhookEvent]
	Statuses []models.EventStatus
}

// Events lists the stored events.
func (h *Console) Events(c *gin.Context) error {
	asked, request, err := ask(c, "status", "type")
	if err != nil {
		return err
	}
	events, err := h.services.Events.List(c.Request.Context(), asked["status"], asked["type"], request)
	if err != nil {
		return err
	}
	return h.ok(c, "events", "Events", eventsPage{listing: newListing(asked, request, events), Statuses: models.EventStatuses})
}

type eventPage struct {
	Event   *models.WebhookEvent
	Payload string
	Change  *ingest.PurchaseChange // that a replay would make; nil: it has no purchase
}

// Event shows one event, and what a replay of it would change.
func (h *Console) Event(c *gin.Context) error {
	event, err := h.services.Events.Get(c.Request.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	change, err := h.services.Events.PreviewReplay(c.Request.Context(), event)
	if err != nil {
		return err
	}
	var indented bytes.Buffer
	if json.Indent(&indented, []byte(event.Payload), "", "  ") != nil {
		indented.Reset()
		indented.WriteString(event.Payload) // deeper than encoding/json goes
	}
	return h.ok(c, "event", event.Type, eventPage{Event: event, Payload: indented.String(), Change: change})
}

// Replay applies an event once more.
func (h *Console) Replay(c *gin.Context) error {
	outcome, err := h.services.Events.Replay(c.Request.Context(), c.Param("id"), sessionOf(c).Name)
	if err != nil {
		return err
	}
	return seeOther(c, eventAddress(outcome.EventID)+"?done=replayed")
}
