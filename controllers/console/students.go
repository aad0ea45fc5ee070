package console

import (
	"net/url"

	"github.com/gin-gonic/gin"

	"hourbank/models"
	"hourbank/services"
	"hourbank/services/paging"
	"hourbank/services/sales"
)

type studentsPage struct {
	listing[models.Account]
	Balances []string
}

// Students lists the students' accounts.
func (h *Console) Students(c *gin.Context) error {
	asked, request, err := ask(c, "text", "balance")
	if err != nil {
		return err
	}
	accounts, err := h.services.Accounts.List(c.Request.Context(), sales.AccountFilter{Text: asked["text"], Balance: asked["balance"]}, request)
	if err != nil {
		return err
	}
	return h.ok(c, "students", "Students", studentsPage{listing: newListing(asked, request, accounts), Balances: sales.Balances})
}

type studentPage struct {
	Account   *models.Account
	Cases     []models.Case // open ones
	Purchases paging.Page[models.Purchase]
	Ledger    paging.Page[sales.LedgerLine]
	Lots      models.Lots                     // hours that expire, or did
	Holds     paging.Page[models.LedgerEntry] // the newest
	Once      string                          // reference of the booking that a form would make
}

// onceReference begins the references of what forms ask for.
const onceReference = "console_"

// Student shows a student's balance and how it came about.
func (h *Console) Student(c *gin.Context) error {
	ctx, student := c.Request.Context(), c.Param("student_id")
	account, err := h.services.Accounts.Balance(ctx, student)
	if err != nil {
		return err
	}
	page := studentPage{Account: account, Once: newOnce()}
	open, err := h.services.Cases.List(ctx, services.CaseFilter{Status: "open", StudentID: student}, paging.PageRequest{Limit: paging.MaxPageSize})
	if err != nil {
		return err
	}
	page.Cases = open.Data
	if page.Lots, err = h.services.Accounts.Lots(ctx, student); err != nil {
		return err
	}
	if page.Holds, err = h.services.Accounts.Holds(ctx, student, pageOf(c, "holds")); err != nil {
		return err
	}
	if page.Purchases, err = h.services.Purchases.List(ctx, sales.PurchaseFilter{StudentID: student}, pageOf(c, "purchases")); err != nil {
		return err
	}
	if page.Ledger, err = h.services.Accounts.LedgerLines(ctx, student, pageOf(c, "ledger")); err != nil {
		return err
	}
	return h.ok(c, "student", student, page)
}

// pageOf is the page of one of the lists that a page has, by its cursor.
func pageOf(c *gin.Context, list string) paging.PageRequest {
	return paging.PageRequest{Cursor: c.Query(list), Limit: paging.DefaultPageSize}
}

func studentAddress(id string) string { return "/console/students/" + url.PathEscape(id) + "/" }

func purchaseAddress(id string) string { return "/console/purchases/" + url.PathEscape(id) + "/" }

func eventAddress(id string) string { return "/console/events/" + url.PathEscape(id) + "/" }
