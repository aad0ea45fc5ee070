package console

import (
	"bytes"
	"encoding/json"

	"github.com/gin-gonic/gin"

	"hourbank/models"
	"hourbank/services/ingest"
	"hourbank/services/paging"
)

type eventsPage struct {
	paging.Page[models.WebhookEvent]
	Status, Type string // what is filtered by
	Statuses     []models.EventStatus
}

// Events lists the stored events.
func (h *Console) Events(c *gin.Context) error {
	page := eventsPage{Status: c.Query("status"), Type: c.Query("type"), Statuses: models.EventStatuses}
	var err error
	page.Page, err = h.services.Events.List(c.Request.Context(), page.Status, page.Type, pageOf(c, "cursor"))
	if err != nil {
		return err
	}
	return h.ok(c, "events", "Events", page)
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
