package console

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
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
	p, done, err := h.refund(c)
	if err != nil {
		return err
	}
	return seeOther(c, purchaseAddress(p.ID)+"?done="+done)
}

// refund asks for a refund and gives the purchase once Stripe's events told of
// it, with what to say then, or as it is when nobody would wait any longer.
func (h *Console) refund(c *gin.Context) (p *models.Purchase, done string, err error) {
	var order sales.RefundOrder
	if hours := strings.TrimSpace(c.PostForm("hours")); hours != "" {
		parsed, err := money.ParseHours(hours)
		if err != nil {
			return nil, "", models.Errorf(models.CodeInvalidRequest, "%s.", err)
		}
		order.Hours = parsed
	}
	order.Reason = c.PostForm("reason")
	answer, err := h.services.Sales.Refund(c.Request.Context(), c.Param("id"), order, formKey(c))
	if err != nil {
		return nil, "", sentBefore(err)
	}
	var requested sales.RefundRequested
	if err := json.Unmarshal(answer.Body, &requested); err != nil {
		return nil, "", fmt.Errorf("read a refund: %w", err)
	}
	p, told, err := h.till.WaitForRefunds(c.Request.Context(), &requested)
	if done = "refunded"; !told {
		done = "asked"
	}
	return p, done, err
}

// formKey makes what a form asks for happen once, however often it is sent: a
// form has its own idempotency key, under which nothing else can be asked for.
func formKey(c *gin.Context) sales.RequestKey {
	form := c.Request.PostForm
	form.Del("csrf_token") // another one each time the same page is shown
	digest := func(text string) string {
		hash := sha256.Sum256([]byte(c.Request.URL.Path + "?" + text))
		return hex.EncodeToString(hash[:])
	}
	return sales.RequestKey{APIKey: sessionOf(c).Name, Key: onceReference + digest(form.Get("once")), Hash: digest(form.Encode())}
}

var errSentBefore = models.Errorf(models.CodeConflict, "This form was sent before, filled in otherwise; nothing was done now. Open the page again to do more.")

// sentBefore says it in the console's words where a form's key was used for
// something else.
func sentBefore(err error) error {
	if known, ok := errors.AsType[*models.Error](err); ok && known.Code == models.CodeIdempotencyMismatch {
		return errSentBefore
	}
	return err
}
