package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"hourbank/models"
	"hourbank/services/deliveries"
)

type deliveriesPage struct {
	listing[models.Delivery]
	Statuses []string
}

// Deliveries lists the events that the platform is told.
func (h *Console) Deliveries(c *gin.Context) error {
	asked, request, err := ask(c, "status", "type", "student")
	if err != nil {
		return err
	}
	filter := deliveries.Filter{Status: asked["status"], Type: asked["type"], StudentID: asked["student"]}
	told, err := h.services.Deliveries.List(c.Request.Context(), filter, request)
	if err != nil {
		return err
	}
	return h.ok(c, "deliveries", "Deliveries", deliveriesPage{listing: newListing(asked, request, told), Statuses: deliveries.Statuses})
}

type deliveryPage struct {
	*models.Delivery
	Indented string // its payload
}

// Delivery shows one event that the platform is told.
func (h *Console) Delivery(c *gin.Context) error {
	d, err := h.services.Deliveries.Get(c.Request.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, []byte(d.Payload), "", "  "); err != nil {
		return fmt.Errorf("indent a delivery's payload: %w", err)
	}
	return h.ok(c, "delivery", d.Type, deliveryPage{d, indented.String()})
}

// AskRetry shows what sending an event again would do, and changes nothing.
func (h *Console) AskRetry(c *gin.Context) error {
	d, err := h.services.Deliveries.Get(c.Request.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	page := confirmation{
		About: d.Type, Back: deliveryAddress(d.ID), Action: deliveryAddress(d.ID) + "retry/", Button: "Send it again",
		Fields: url.Values{"since": {d.TriedSince.UTC().Format(time.RFC3339Nano)}},
		Will:   []string{fmt.Sprintf("%s is sent to %s once more, at once, and until it is taken for three days.", d.Type, d.Endpoint), "It keeps its id, by which a receiver knows what it had."},
	}
	if d.DeliveredAt != nil {
		page.Warnings = append(page.Warnings, "The endpoint has taken it before.")
	}
	return h.confirm(c, "Send "+d.Type+" again?", page)
}

// Retry sends an event again, once for each time that somebody was asked.
func (h *Console) Retry(c *gin.Context) error {
	since, err := time.Parse(time.RFC3339Nano, c.PostForm("since"))
	if err != nil {
		return models.Errorf(models.CodeInvalidRequest, "since must be a time.")
	}
	again, err := h.services.Deliveries.RetryOnce(c.Request.Context(), c.Param("id"), since, sessionOf(c).Name)
	if err != nil {
		return err
	}
	done := "retried"
	if !again {
		done = "before"
	}
	return seeOther(c, deliveryAddress(c.Param("id"))+"?done="+done)
}

func deliveryAddress(id string) string { return "/console/deliveries/" + url.PathEscape(id) + "/" }

// studentOf is whom an event is about; empty: a case of nobody's.
func studentOf(d models.Delivery) string {
	var event struct {
		Data struct {
			StudentID string `json:"student_id"`
		} `json:"data"`
	}
	if json.Unmarshal([]byte(d.Payload), &event) != nil {
		return ""
	}
	return event.Data.StudentID
}
