package console

import (
	"context"
	"fmt"
	"net/url"

	"github.com/gin-gonic/gin"

	"hourbank/controllers/console/words"
	"hourbank/models"
	"hourbank/services/sales"
)

// booking is a way to move hours by hand.
type booking struct {
	kind   models.EntryKind
	path   string // under the student's address
	title  string
	button string
	done   string // the notice's name
	book   func(context.Context, sales.BookingOrder) (*sales.Booking, error)
}

func (h *Console) adjustment() booking {
	return booking{models.EntryAdjustment, "adjustments/", "Adjust the hours of %s?", "Book the adjustment", "adjusted", h.services.Accounts.Adjust}
}

func (h *Console) grant() booking {
	return booking{models.EntryGrant, "grants/", "Grant hours to %s?", "Grant the hours", "granted", h.services.Accounts.Grant}
}

// AskAdjustment shows what an adjustment would do, and changes nothing.
func (h *Console) AskAdjustment(c *gin.Context) error { return h.askBooking(c, h.adjustment()) }

// Adjust moves a student's hours by hand.
func (h *Console) Adjust(c *gin.Context) error { return h.makeBooking(c, h.adjustment()) }

// Grant gives a student hours without money, and an account where there is none.
func (h *Console) Grant(c *gin.Context) error { return h.makeBooking(c, h.grant()) }

type grantPage struct {
	Student string
	Account *models.Account // nil: none yet
	Once    string
}

// AskGrant asks how many hours to grant; once that is said, it shows what that
// would do, and changes nothing.
func (h *Console) AskGrant(c *gin.Context) error {
	if c.Query("hours") != "" {
		return h.askBooking(c, h.grant())
	}
	page := grantPage{Student: c.Param("student_id"), Once: newOnce()}
	account, err := h.services.Accounts.Balance(c.Request.Context(), page.Student)
	if err != nil && !isNotFound(err) {
		return err
	}
	page.Account = account
	return h.ok(c, "grant", "Grant hours to "+page.Student, page)
}

// bookingOrder reads what a form asks for.
func bookingOrder(c *gin.Context, field func(string) string) (sales.BookingOrder, error) {
	hours, err := typedHours(field("hours"))
	return sales.BookingOrder{
		StudentID: c.Param("student_id"), Hours: hours, Reason: field("reason"), Reference: onceOf(c), Actor: sessionOf(c).Name,
	}, err
}

func (h *Console) askBooking(c *gin.Context, b booking) error {
	order, err := bookingOrder(c, c.Query)
	if err != nil {
		return err
	}
	preview, err := h.services.Accounts.PreviewBooking(c.Request.Context(), b.kind, order)
	if err != nil {
		return err
	}
	if preview.Booked {
		return seeOther(c, studentAddress(order.StudentID)+"?done=before")
	}
	return h.confirmBooking(c, b, order, preview)
}

// confirmBooking asks before hours are moved. It notes which booking of the
// same size it warned of, so that one made meanwhile is warned of too.
func (h *Console) confirmBooking(c *gin.Context, b booking, order sales.BookingOrder, preview *sales.BookingPreview) error {
	page := confirmation{
		About: order.StudentID, Back: studentAddress(order.StudentID), Action: studentAddress(order.StudentID) + b.path,
		Fields: url.Values{"hours": {order.Hours.String()}, "reason": {order.Reason}, "once": {order.Reference}},
		Button: b.button, Danger: order.Hours < 0,
	}
	if order.Hours < 0 {
		page.Will = append(page.Will, fmt.Sprintf("%s hours are taken from %s.", -order.Hours, order.StudentID))
	} else {
		page.Will = append(page.Will, fmt.Sprintf("%s gets %s hours.", order.StudentID, order.Hours))
	}
	if preview.Account != nil {
		page.Will = append(page.Will, fmt.Sprintf("The balance becomes %s hours; it is %s now.", preview.Balance, preview.Account.HoursAvailable))
	} else {
		page.Back = "/console/search/?q=" + url.QueryEscape(order.StudentID)
		page.Will = append(page.Will, fmt.Sprintf("An account is opened. Its balance becomes %s hours.", preview.Balance))
	}
	page.Will = append(page.Will, "The ledger says why: "+order.Reason)
	if preview.Balance < 0 {
		page.Warnings = append(page.Warnings, fmt.Sprintf("The balance becomes %s hours: more are used than are paid, which opens a case: overdrawn.", preview.Balance))
	}
	if same := preview.Same; same != nil {
		page.Fields.Set("same", same.ID)
		page.Warnings = append(page.Warnings, fmt.Sprintf("%s booked the same %s hours at %s UTC (%s). This books them once more.",
			words.Text(same.Actor), same.Hours, same.CreatedAt.UTC().Format("15:04:05"), words.Text(same.Reason)))
	}
	return h.confirm(c, fmt.Sprintf(b.title, order.StudentID), page)
}

// makeBooking moves hours by hand, once for each form. Where the same was
// booked within an hour, and nobody was warned of it, it asks again.
func (h *Console) makeBooking(c *gin.Context, b booking) error {
	ctx := c.Request.Context()
	order, err := bookingOrder(c, c.PostForm)
	if err != nil {
		return err
	}
	preview, err := h.services.Accounts.PreviewBooking(ctx, b.kind, order)
	if err != nil {
		return err
	}
	if preview.Booked {
		return seeOther(c, studentAddress(order.StudentID)+"?done=before")
	}
	if preview.Same != nil && preview.Same.ID != c.PostForm("same") {
		return h.confirmBooking(c, b, order, preview)
	}
	if _, err := b.book(ctx, order); err != nil {
		return err
	}
	return seeOther(c, studentAddress(order.StudentID)+"?done="+b.done)
}
