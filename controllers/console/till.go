package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"hourbank/controllers/console/till"
	"hourbank/models"
	"hourbank/services/paging"
	"hourbank/services/sales"
)

// tillStudent is who buys where nobody was named.
const tillStudent = "demo_student"

type tillPage struct {
	Student   string
	Account   *models.Account // nil: none yet
	Plans     []models.Plan
	Cards     []till.Card
	Purchases paging.Page[models.Purchase]
	Once      string
}

// Till lets a person play the student in the sandbox.
func (h *Console) Till(c *gin.Context) error {
	ctx, page := c.Request.Context(), tillPage{Student: c.DefaultQuery("student", tillStudent), Cards: till.Cards, Once: uuid.NewString()}
	plans, err := h.services.Plans.List(ctx, false)
	if err != nil {
		return err
	}
	for _, plan := range plans {
		if plan.TransactionType == models.TypePackage {
			page.Plans = append(page.Plans, plan)
		}
	}
	if page.Purchases, err = h.services.Purchases.List(ctx, sales.PurchaseFilter{StudentID: page.Student}, paging.PageRequest{Limit: 5}); err != nil {
		return err
	}
	// After the purchases: a balance older than a dispute that the page shows
	// would stand for good, since such a page doesn't look again.
	page.Account, err = h.services.Accounts.Balance(ctx, page.Student)
	if err != nil && !isNotFound(err) {
		return err
	}
	if c.Query("settling") != "" && till.IsSettling(page.Purchases.Data, h.services.Clock.Now()) {
		c.Header("Refresh", "2")
	}
	return h.ok(c, "till", "Till", page)
}

// Buy sells a plan to the student and pays it with a test card.
func (h *Console) Buy(c *gin.Context) error {
	order := sales.Order{StudentID: c.PostForm("student"), Plan: c.PostForm("plan")}
	answer, err := h.services.Sales.Sell(c.Request.Context(), order, formKey(c))
	if err != nil {
		return sentBefore(err)
	}
	var sale sales.Sale
	if err := json.Unmarshal(answer.Body, &sale); err != nil {
		return fmt.Errorf("read the sale: %w", err)
	}
	return h.pay(c, sale.ID)
}

// PayAgain pays a purchase that waits for its payment.
func (h *Console) PayAgain(c *gin.Context) error { return h.pay(c, c.Param("id")) }

func (h *Console) pay(c *gin.Context, purchaseID string) error {
	p, err := h.till.Pay(c.Request.Context(), purchaseID, c.PostForm("card"))
	known, _ := errors.AsType[*models.Error](err)
	switch {
	case p != nil && p.HoursCredited > 0:
		done := "bought" // perhaps by the same form, sent twice
		if strings.HasPrefix(c.PostForm("card"), "pm_card_createDispute") {
			done += "&settling=1"
		}
		return backToTill(c, p, done)
	case p != nil && known != nil && known.Code == models.CodeStripeRefused:
		return backToTill(c, p, "declined")
	case err != nil:
		return err
	default:
		return backToTill(c, p, "waiting")
	}
}

// TillRefund gives money back and stays at the till.
func (h *Console) TillRefund(c *gin.Context) error {
	p, done, err := h.refund(c)
	if err != nil {
		return err
	}
	return backToTill(c, p, done)
}

// Decide ends a dispute as its bank would.
func (h *Console) Decide(c *gin.Context) error {
	p, err := h.till.Decide(c.Request.Context(), c.Param("id"), c.PostForm("verdict") == "won")
	if err != nil {
		return err
	}
	return backToTill(c, p, "happened")
}

func backToTill(c *gin.Context, p *models.Purchase, done string) error {
	return tillOf(c, p.StudentID, done)
}

func tillOf(c *gin.Context, student, done string) error {
	return seeOther(c, "/console/till/?student="+url.QueryEscape(student)+"&done="+done)
}

// Advance moves the sandbox's clock forward, once for each form.
func (h *Console) Advance(c *gin.Context) error {
	from, err := strconv.Atoi(c.PostForm("from"))
	days, typed := strconv.Atoi(c.PostForm("days"))
	if errors.Join(err, typed) != nil {
		return models.Errorf(models.CodeInvalidRequest, "The clock moves by a number of days.")
	}
	moved, err := h.services.Clock.Advance(c.Request.Context(), sessionOf(c).Name, from, days)
	if err != nil {
		return err
	}
	if !moved {
		return tillOf(c, c.PostForm("student"), "before")
	}
	return tillOf(c, c.PostForm("student"), "advanced")
}
