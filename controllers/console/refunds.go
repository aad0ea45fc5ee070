package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/gin-gonic/gin"

	"hourbank/models"
	"hourbank/models/hours"
	"hourbank/services/sales"
)

// AskRefund shows what a refund would do, and changes nothing.
func (h *Console) AskRefund(c *gin.Context) error {
	ctx, id := c.Request.Context(), c.Param("id")
	p, order, err := h.refundOrder(c, c.Query)
	if err != nil {
		return err
	}
	fields := url.Values{"reason": {order.Reason}, "once": {onceOf(c)}}
	switch {
	case order.Unused:
		fields["by"] = []string{"unused"}
	case order.Hours > 0:
		fields["by"], fields["hours"] = []string{"hours"}, []string{order.Hours.String()}
	default:
		fields["by"], fields["amount"] = []string{"amount"}, []string{models.FormatDecimal(order.Amount, p.Currency)}
	}
	asked, err := h.services.Sales.Asked(ctx, keyOf(c, fields))
	if err != nil {
		return err
	}
	if asked {
		return seeOther(c, purchaseAddress(id)+"?done=before")
	}
	preview, err := h.services.Sales.PreviewRefund(ctx, id, order)
	if err != nil {
		return err
	}
	will, warnings := refundSentences(preview)
	return h.confirm(c, "Refund "+models.FormatMoney(sumOf(preview.Requests), p.Currency)+"?", confirmation{
		About: p.Hours.String() + " hours for " + p.AccountID(), Back: purchaseAddress(id),
		Will: will, Warnings: warnings, Action: purchaseAddress(id) + "refunds/", Fields: fields,
		Button: "Ask Stripe for the refund", Danger: true,
	})
}

// refundOrder reads how much is to go back: an amount in the purchase's
// currency, the price of hours, what is unused, or all that is left, never for want of words.
func (h *Console) refundOrder(c *gin.Context, field func(string) string) (*sales.PurchaseDetail, sales.RefundOrder, error) {
	order := sales.RefundOrder{Reason: field("reason")}
	p, err := h.services.Purchases.Detail(c.Request.Context(), c.Param("id"))
	if err != nil {
		return nil, order, err
	}
	switch field("by") {
	case "amount":
		order.Amount, err = models.ParseMoney(field("amount"), p.Currency)
	case "hours":
		order.Hours, err = typedHours(field("hours"))
	case "unused":
		order.Unused = true
	case "all":
		if order.Amount, _ = p.After.Left(); order.Amount <= 0 {
			err = models.Errorf(models.CodeConflict, "There is no money of this purchase to refund, beside what was asked for already.")
		}
	default:
		err = models.Errorf(models.CodeInvalidRequest, "Choose what goes back: an amount, the price of hours, what is unused, or everything that is left.")
	}
	return p, order, err
}

// typedHours reads hours that a person typed.
func typedHours(text string) (models.Hours, error) {
	typed, err := hours.ParseTyped(text)
	if err != nil {
		return 0, models.Errorf(models.CodeInvalidRequest, "%s.", err)
	}
	return typed, nil
}

func sumOf(requests []models.RefundRequest) (sum int64) {
	for _, r := range requests {
		sum += r.Amount
	}
	return sum
}

// refundSentences say what a refund will do.
func refundSentences(preview *sales.RefundPreview) (will, warnings []string) {
	p := preview.After
	for _, r := range preview.Requests {
		will = append(will, fmt.Sprintf("%s goes back to whoever paid it, by the payment %s.", models.FormatMoney(r.Amount, r.Currency), r.Payment))
	}
	_, before := preview.Before.Left()
	moneyLeft, hoursLeft := p.Left()
	if before != hoursLeft {
		will = append(will, fmt.Sprintf("Hours fall by %s: of the %s that were bought, %s stay.", before-hoursLeft, p.Hours, hoursLeft))
	} else {
		will = append(will, "No hours are taken back: the money was more than is due for them, or they were never paid.")
	}
	will = append(will,
		fmt.Sprintf("%s of this purchase is kept.", models.FormatMoney(moneyLeft, p.Currency)),
		fmt.Sprintf("The balance of %s becomes %s hours; it is %s now.", p.AccountID(), preview.Balance, preview.Account.HoursAvailable))
	if preview.Balance < 0 {
		warnings = append(warnings, fmt.Sprintf("%s hours were used, %s more than are then paid, which opens a case: overdrawn.", preview.Account.HoursConsumed, -preview.Balance))
	}
	for _, kind := range kindsBeside(preview.Change.Before, preview.Change.After) {
		will = append(will, fmt.Sprintf("The case %q closes.", kind))
	}
	for _, kind := range kindsBeside(preview.Change.After, preview.Change.Before) {
		warnings = append(warnings, fmt.Sprintf("It opens a case: %s.", kind))
	}
	return will, warnings
}

// kindsBeside lists the kinds of cases that others have none of.
func kindsBeside(cases, others []models.CaseState) (kinds []models.CaseKind) {
	for _, one := range cases {
		if !slices.ContainsFunc(others, func(o models.CaseState) bool { return o.Kind == one.Kind }) {
			kinds = append(kinds, one.Kind)
		}
	}
	return kinds
}

// Refund asks Stripe to give money back, once for each form.
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
	ctx, key := c.Request.Context(), formKey(c)
	detail, order, err := h.refundOrder(c, c.PostForm)
	answer := &sales.Answer{}
	if err == nil {
		answer, err = h.services.Sales.Refund(ctx, c.Param("id"), order, key)
	}
	switch known, _ := errors.AsType[*models.Error](err); {
	case err == nil:
	case detail != nil && known != nil && (known.Code == models.CodeStripeUnavailable || known.Code == models.CodeConflict):
		if asked, lookupErr := h.services.Sales.Asked(ctx, key); !asked || lookupErr != nil {
			return nil, "", err
		}
		if done = "before"; known.Code == models.CodeStripeUnavailable {
			done = "unanswered"
		}
		return detail.Purchase, done, nil
	default:
		return nil, "", sentBefore(err)
	}
	var requested sales.RefundRequested
	if err := json.Unmarshal(answer.Body, &requested); err != nil {
		return nil, "", fmt.Errorf("read a refund: %w", err)
	}
	p, told, err := h.till.WaitForRefunds(ctx, &requested)
	switch {
	case answer.Replayed:
		done = "before"
	case slices.ContainsFunc(requested.Refunds, func(r sales.PaymentRefund) bool { return r.ID == nil }):
		done = "partly"
	case !told:
		done = "asked"
	default:
		done = "refunded"
	}
	return p, done, err
}
