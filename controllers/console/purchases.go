package console

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"hourbank/models"
	"hourbank/models/money"
	"hourbank/services"
	"hourbank/services/sales"
)

type purchasesPage struct {
	listing[models.Purchase]
	Statuses []models.PaymentStatus
	Plans    []models.Plan // also those no longer sold
}

// Purchases lists the purchases.
func (h *Console) Purchases(c *gin.Context) error {
	asked, request, err := ask(c, "status", "plan", "student")
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	filter := sales.PurchaseFilter{Status: asked["status"], PlanID: asked["plan"], StudentID: asked["student"]}
	purchases, err := h.services.Purchases.List(ctx, filter, request)
	if err != nil {
		return err
	}
	page := purchasesPage{listing: newListing(asked, request, purchases), Statuses: models.PaymentStatuses}
	if page.Plans, err = h.services.Plans.List(ctx, true); err != nil {
		return err
	}
	return h.ok(c, "purchases", "Purchases", page)
}

type purchasePage struct {
	*sales.PurchaseDetail
	Left     int64 // minor units that could be refunded
	Timeline []services.Told
	Once     string // makes the refund form's request repeatable
}

// Purchase shows a purchase, and what each event changed.
func (h *Console) Purchase(c *gin.Context) error {
	detail, err := h.services.Purchases.Detail(c.Request.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	p := detail.Purchase
	timeline, err := h.services.Events.Timeline(c.Request.Context(), p)
	if err != nil {
		return err
	}
	return h.ok(c, "purchase", p.Hours.String()+" hours for "+p.StudentID, purchasePage{
		PurchaseDetail: detail, Timeline: timeline, Left: p.AmountReceived - p.AmountRefunded - p.AmountDisputed, Once: uuid.NewString(),
	})
}

// Refund asks Stripe to give money back: for some hours, or all that is left.
func (h *Console) Refund(c *gin.Context) error {
	if err := h.refund(c); err != nil {
		return err
	}
	return seeOther(c, purchaseAddress(c.Param("id"))+"?done=refunded")
}

func (h *Console) refund(c *gin.Context) error {
	var order sales.RefundOrder
	if hours := strings.TrimSpace(c.PostForm("hours")); hours != "" {
		parsed, err := money.ParseHours(hours)
		if err != nil {
			return models.Errorf(models.CodeInvalidRequest, "%s.", err)
		}
		order.Hours = parsed
	}
	order.Reason = c.PostForm("reason")
	_, err := h.services.Sales.Refund(c.Request.Context(), c.Param("id"), order, formKey(c))
	return err
}

// formKey makes what a form asks for happen once, however often it is sent:
// the form as it was filled in is its own idempotency key.
func formKey(c *gin.Context) sales.RequestKey {
	form := c.Request.PostForm
	form.Del("csrf_token") // another one each time the same page is shown
	hash := sha256.Sum256([]byte(c.Request.URL.Path + "?" + form.Encode()))
	key := hex.EncodeToString(hash[:])
	return sales.RequestKey{APIKey: sessionOf(c).Name, Key: "console_" + key, Hash: key}
}
