package console

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"hourbank/controllers/console/words"
	"hourbank/models"
	"hourbank/services"
	"hourbank/services/ingest"
	"hourbank/services/paging"
	"hourbank/services/sales"
)

// attentionRows is how many events of a kind the first page shows; the rest is
// a click away.
const attentionRows = 10

type casesPage struct {
	listing[models.Case]
	Kinds            []models.CaseKind
	Counts           []caseCount // of open ones
	Open             int64
	Rejected, Parked paging.Page[models.WebhookEvent]
}

// Cases is the first page: it lists the open cases, the most urgent first, or those asked for.
func (h *Console) Cases(c *gin.Context) error {
	asked, request, err := ask(c, "status", "kind", "student")
	if err != nil {
		return err
	}
	filter := services.CaseFilter{Status: cmp.Or(asked["status"], "open"), Kind: asked["kind"], StudentID: asked["student"]}
	if filter.Status == "any" {
		filter.Status = ""
	}
	if request.Sort == "" {
		request.Sort = services.SortUrgent
	}
	cases, err := h.services.Cases.List(c.Request.Context(), filter, request)
	if err != nil {
		return err
	}
	page := casesPage{listing: newListing(asked, request, cases), Kinds: models.CaseKinds}
	byKind, err := h.services.Cases.OpenCases(c.Request.Context())
	if err != nil {
		return err
	}
	page.Counts, page.Open = openCases(byKind)
	first := paging.PageRequest{Limit: attentionRows}
	if page.Rejected, err = h.services.Events.List(c.Request.Context(), string(models.EventRejected), "", first); err != nil {
		return err
	}
	if page.Parked, err = h.services.Events.List(c.Request.Context(), string(models.EventParked), "", first); err != nil {
		return err
	}
	return h.ok(c, "cases", "Cases", page)
}

type casePage struct {
	*models.Case
	Account    *models.Account       // of the student, where one is known
	Purchase   *sales.PurchaseDetail // that it is about, if any
	Acceptable []acceptable
	Plans      []models.Plan // that an unmatched payment could be for
	Dashboard  string        // where Stripe shows what it is about; empty: nowhere
}

// acceptable is a payment that could count as paid in full, and what that
// would change.
type acceptable struct {
	sales.Payment
	Change *ingest.PurchaseChange
}

// Case shows a case, and what can be done about it.
func (h *Console) Case(c *gin.Context) error {
	ctx := c.Request.Context()
	known, err := h.services.Cases.Get(ctx, c.Param("id"))
	if err != nil {
		return err
	}
	page := casePage{Case: known, Dashboard: h.dashboard(known)}
	if known.TransactionID != nil {
		if page.Purchase, err = h.services.Purchases.Detail(ctx, *known.TransactionID); err != nil {
			return err
		}
		if page.Acceptable, err = h.acceptable(ctx, known, page.Purchase); err != nil {
			return err
		}
	}
	if known.StudentID != nil {
		if page.Account, err = h.services.Accounts.Balance(ctx, *known.StudentID); err != nil && !isNotFound(err) {
			return err
		}
	}
	if known.CanBeGiven() {
		if page.Plans, err = h.services.Plans.List(ctx, false); err != nil {
			return err
		}
	}
	return h.ok(c, "case", words.Human(known.Kind), page)
}

// dashboard is Stripe's page of what the case is about.
func (h *Console) dashboard(known *models.Case) string {
	switch {
	case h.cfg.Sandbox:
		return "" // its Stripe has none
	case known.Payment != nil:
		return h.services.Stripe.Dashboard().URL(*known.Payment)
	case known.EventID != nil:
		return h.services.Stripe.Dashboard().URL(*known.EventID)
	default:
		return ""
	}
}

// acceptable lists the payments that a person could accept as paid in full.
func (h *Console) acceptable(ctx context.Context, known *models.Case, p *sales.PurchaseDetail) ([]acceptable, error) {
	if known.Kind != models.CaseUnderpaid && known.Kind != models.CaseOtherCurrency {
		return nil, nil
	}
	var all []acceptable
	for _, payment := range p.Payments {
		if payment.Received == 0 || (known.Payment != nil && payment.ID != *known.Payment) {
			continue
		}
		change, err := h.services.Cases.PreviewAcceptance(ctx, p.ID, payment.ID)
		if err != nil {
			return nil, err
		}
		if change != nil {
			all = append(all, acceptable{payment, change})
		}
	}
	return all, nil
}

// CloseCase ends a case with a note, under the name of whoever is signed in.
func (h *Console) CloseCase(c *gin.Context) error {
	closed, err := h.services.Cases.Close(c.Request.Context(), c.Param("id"), sessionOf(c).Name, c.PostForm("note"))
	if err != nil {
		return err
	}
	return seeOther(c, caseAddress(closed.ID)+"?done=closed")
}

// AcceptPayment lets a payment of the case's purchase count as paid in full.
func (h *Console) AcceptPayment(c *gin.Context) error {
	ctx := c.Request.Context()
	known, err := h.services.Cases.Get(ctx, c.Param("id"))
	if err != nil {
		return err
	}
	if known.TransactionID == nil {
		return models.Errorf(models.CodeConflict, "This case is about no purchase.")
	}
	if err := h.services.Cases.Accept(ctx, *known.TransactionID, c.PostForm("payment"), sessionOf(c).Name, c.PostForm("note")); err != nil {
		return err
	}
	return seeOther(c, purchaseAddress(*known.TransactionID)+"?done=accepted")
}

// GivePayment gives an unmatched payment to a student and a plan.
func (h *Console) GivePayment(c *gin.Context) error {
	p, err := h.services.Cases.Give(c.Request.Context(), c.Param("id"), strings.TrimSpace(c.PostForm("student_id")), c.PostForm("plan"), sessionOf(c).Name)
	if err != nil {
		return err
	}
	return seeOther(c, purchaseAddress(p.ID)+"?done=given")
}

func isNotFound(err error) bool {
	known, ok := errors.AsType[*models.Error](err)
	return ok && known.Code == models.CodeNotFound
}

// caseCount is how many cases of a kind are open.
type caseCount struct {
	Kind  models.CaseKind
	Cases int64
}

// openCases counts the open cases by kind, the most urgent first, and all
// together.
func openCases(byKind map[string]int64) (counts []caseCount, all int64) {
	for _, kind := range models.CaseKinds {
		if n := byKind[string(kind)]; n > 0 {
			counts = append(counts, caseCount{kind, n})
		}
	}
	for n := range maps.Values(byKind) {
		all += n
	}
	return slices.Clip(counts), all
}

func caseAddress(id string) string { return "/console/cases/" + url.PathEscape(id) + "/" }
