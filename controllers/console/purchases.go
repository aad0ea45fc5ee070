package console

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/url"

	"github.com/gin-gonic/gin"

	"hourbank/models"
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
	Left      int64        // minor units that could be refunded
	HoursLeft models.Hours // that are then taken back
	Timeline  []services.Told
	Once      string // makes the refund form's request repeatable
}

// Purchase shows a purchase, and what each event changed.
func (h *Console) Purchase(c *gin.Context) error {
	detail, err := h.services.Purchases.Detail(c.Request.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	p := detail.Purchase
	timeline, err := h.services.Events.Timeline(c.Request.Context(), p, nil)
	if err != nil {
		return err
	}
	page := purchasePage{PurchaseDetail: detail, Timeline: timeline, Once: newOnce()}
	page.Left, page.HoursLeft = detail.After.Left()
	return h.ok(c, "purchase", p.Hours.String()+" hours for "+p.AccountID(), page)
}

// AskStripe asks Stripe about a purchase whose webhook may have been lost, and
// applies what that tells.
func (h *Console) AskStripe(c *gin.Context) error {
	ctx := c.Request.Context()
	p, err := h.services.Purchases.Get(ctx, c.Param("id"))
	if err != nil {
		return err
	}
	corrections, err := h.services.Reconcile.Purchase(ctx, p)
	if err != nil {
		return err
	}
	done := "nothingnew"
	if len(corrections) > 0 {
		done = "corrected"
	}
	return seeOther(c, purchaseAddress(p.ID)+"?done="+done)
}

// formKey makes what a form asks for happen once, however often it is sent: a
// form has its own idempotency key, under which nothing else can be asked for.
func formKey(c *gin.Context) sales.RequestKey {
	form := c.Request.PostForm
	form.Del("csrf_token") // another one each time the same page is shown
	return keyOf(c, form)
}

// keyOf is the formKey of a form that is sent to the same address.
func keyOf(c *gin.Context, form url.Values) sales.RequestKey {
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
