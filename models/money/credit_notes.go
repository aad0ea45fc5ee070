package money

import (
	"maps"
	"slices"
)

// part is how much of an amount, of which it is told what it was for, was for hours.
type part struct{ hours, whole int64 }

func (p part) plus(o part) part { return part{p.hours + o.hours, p.whole + o.whole} }

func (p part) minus(o part) part { return part{p.hours - o.hours, p.whole - o.whole} }

// of is the same part of an amount.
func (p part) of(amount int64) part {
	if p.whole <= 0 || amount <= 0 {
		return part{}
	}
	return part{proportion(amount, p.hours, p.whole), amount}
}

// givenBack is what credit notes gave back of an invoice otherwise than by a refund.
type givenBack struct {
	amount int64
	told   part // of it
}

func (e *Evidence) givenBack(invoice string, t Terms) (sum givenBack) {
	for _, note := range e.CreditNotes {
		if note.Invoice != invoice || note.Voided {
			continue
		}
		amount := max(0, note.Amount-e.Refunds[note.Refund].Amount)
		sum.amount, sum.told = sum.amount+amount, sum.told.plus(e.toldPart(note, t).of(amount))
	}
	return sum
}

// toldParts tells how much of refunds was for what: all of those that we asked for as hours
// was, and of those by which credit notes gave back, what the notes' lines say. What stands
// in for a refund that failed is for the same, unless it is told itself.
func (e *Evidence) toldParts(t Terms) map[string]part {
	if len(e.Refunds) == 0 {
		return nil
	}
	told := map[string]part{}
	for id, refund := range e.Refunds {
		if refund.ForHours {
			told[id] = part{refund.Amount, refund.Amount}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(e.CreditNotes)) {
		note := e.CreditNotes[id]
		of := e.toldPart(note, t)
		if note.Voided || of.whole == 0 {
			continue
		}
		for refund, amount := range note.Refunds {
			left := e.Refunds[refund].Amount - told[refund].whole
			if amount > 0 {
				left = min(left, amount)
			}
			told[refund] = told[refund].plus(of.of(left))
		}
	}
	if len(told) > 0 {
		again := e.standIns()
		for _, failed := range slices.Backward(sortedByFailure(e.Refunds)) { // the first one first: the next may fail, too
			if other := again[failed]; other != "" && told[other].whole == 0 {
				told[other] = told[failed]
			}
		}
	}
	return told
}

// toldPart is what the lines of a credit note say, where each is a line of an invoice that
// is for other things than hours, too; else nothing.
func (e *Evidence) toldPart(note CreditNote, t Terms) (told part) {
	invoice := e.Invoices[note.Invoice]
	if !invoice.isOf(t) {
		return part{}
	}
	for line, amount := range note.Lines {
		forHours, known := invoice.Lines[line]
		switch {
		case !known:
			return part{}
		case forHours:
			told.hours += amount
		}
		told.whole += amount
	}
	return told
}
