package tests

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"hourbank/database"
	"hourbank/tests/harness"
)

// Hours that an invoice takes off before anybody knows that they were never credited come
// back, and go once they are: the end is the same in any order.
func TestWhatTurnsOutNeverToHaveBeenCreditedComesBack(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		for _, order := range [][]string{{"down", "failed"}, {"failed", "down"}} {
			s := harness.NewTeller(harness.V2026)
			want := func(hours, cases string) {
				t.Helper()
				harness.Eventually(t, strings.Join(order, ", ")+": "+hours+" hours, "+cases+" cases", func() bool {
					return app.Get(t, api+"/students/"+s.Student+"/balance/").Get("hours_available").String() == hours &&
						app.Get(t, api+"/cases/?status=open&kind=unexplained_invoice").Get("data.#").String() == cases
				})
			}
			told := map[string]*harness.Told{
				"down":   givingBack(s, "in_up", s.Invoice("paid", "in_down", prorated(month, -5600))),
				"failed": s.Invoice("payment_failed", "in_up", month),
			}
			tell(t, app, s.Invoice("paid", "in_1", month))
			want("4.00", "0")
			for _, name := range order {
				tellAny(t, app, told[name])
			}
			want("4.00", "1")
			tell(t, app, s.Invoice("voided", "in_up", month))
			want("4.00", "1")
			tell(t, app, s.Invoice("paid", "in_up", month)) // after all
			want("4.00", "0")
			app.WantBalance(t, s.Student, fields{"balance_amount": "11200"})
		}
		app.MustAudit(t)
	})
}

// givingBackEach lets each line of an invoice give back of another one.
func givingBackEach(s *harness.Teller, told *harness.Told, invoices ...string) *harness.Told {
	for i, in := range invoices {
		item := told.Object["lines"].(object)["data"].([]any)[i].(object)["parent"].(object)["invoice_item_details"].(object)
		item["proration_details"] = object{"credited_items": object{"invoice": s.ID(in), "invoice_line_items": []any{"il_1"}}}
	}
	return told
}

// Of two invoices that one gave back, both must have been credited.
func TestWhatIsTakenOffStandsOnAllThatItGivesBack(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		s := harness.NewTeller(harness.V2026)
		down := s.Invoice("paid", "in_down", prorated(month, -5600), prorated(month, -5600))
		givingBackEach(s, down, "in_up", "in_1")
		want := func(hours, cases string) {
			t.Helper()
			app.WantBalance(t, s.Student, fields{"hours_available": hours})
			app.Get(t, api+"/cases/?status=open&kind=unexplained_invoice").WantFields(t, fields{"data.#": cases})
		}
		first := s.Invoice("paid", "in_1", month)
		tell(t, app, down)
		want("-8.00", "1") // nothing was told of either yet
		tell(t, app, s.Invoice("payment_failed", "in_up", month))
		want("0.00", "1")
		tell(t, app, first)
		want("4.00", "1")
		app.Post(t, harness.AdminKey, api+"/events/"+first.ID+"/replay/", "").Want(t, http.StatusOK)
		want("4.00", "1")
		tell(t, app, s.Invoice("paid", "in_up", month))
		want("0.00", "0")
		app.MustAudit(t)
	})
}

// However often it turns out one way and the other.
func TestWhatIsTakenOffComesBackAsOftenAsNeedBe(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		s := harness.NewTeller(harness.V2026)
		down := givingBackEach(s, s.Invoice("paid", "in_down", prorated(month, -5600), prorated(month, -5600)), "in_a", "in_b")
		for _, step := range []struct {
			told  *harness.Told
			hours string
		}{
			{s.Invoice("paid", "in_1", month), "4.00"},
			{down, "-4.00"},
			{s.Invoice("payment_failed", "in_a", month), "4.00"},
			{s.Invoice("paid", "in_a", month), "0.00"},
			{s.Invoice("voided", "in_b", month), "8.00"},
			{s.Invoice("paid", "in_b", month), "4.00"},
		} {
			tell(t, app, step.told)
			app.WantBalance(t, s.Student, fields{"hours_available": step.hours})
		}
		app.Get(t, api+"/cases/?status=open&kind=unexplained_invoice").WantFields(t, fields{"data.#": "0"})
		app.MustAudit(t)
	})
}

// A case that staff closed opens again where the facts had settled it since.
func TestACaseThatTheFactsSettledSinceOpensAgain(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		s := harness.NewTeller(harness.V2026)
		open := api + "/cases/?status=open&kind=unexplained_invoice"
		more := month
		more.Quantity, more.Amount, more.Proration = 2, 11_200, true
		tell(t, app, s.Invoice("paid", "in_1", month), givingBack(s, "in_a", s.Invoice("paid", "in_2", prorated(month, -2800), more)))
		id := app.Get(t, open).WantFields(t, fields{"data.#": "1"}).Get("data.0.id").String()
		app.Post(t, harness.AdminKey, api+"/cases/"+id+"/close/", `{"note":"known"}`).Want(t, http.StatusOK)
		tell(t, app, s.Invoice("payment_failed", "in_a", month))
		app.Get(t, open).WantFields(t, fields{"data.#": "0"}) // staff's word stays
		paid := s.PaidInvoice("in_a", "pi_a", month)
		tell(t, app, paid[2], paid[1], paid[0], s.Refunded("pi_a", 5600, 5600).At(20))
		app.Get(t, open).WantFields(t, fields{"data.#": "1"})
	})
}

// An invoice that takes hours off and the first word that those were never credited may
// arrive at once.
func TestWhatIsTakenOffAndNeverCreditedAtOnce(t *testing.T) {
	t.Parallel()
	db := harness.NewDatabase(t, database.Postgres)
	apps := []*harness.App{db.Serve(t), db.Serve(t)}
	monthly(t, apps[0])
	for range 25 {
		s := harness.NewTeller(harness.V2026)
		tell(t, apps[0], s.Invoice("paid", "in_1", month))
		var group sync.WaitGroup
		for i, told := range []*harness.Told{givingBackEach(s, s.Invoice("paid", "in_down", prorated(month, -5600)), "in_up"), s.Invoice("voided", "in_up", month)} {
			group.Go(func() {
				if answer, err := apps[i].Tell(told); err != nil || answer.Status >= 300 {
					t.Errorf("answered %d (%v)", answer.Status, err)
				}
			})
		}
		group.Wait()
		harness.Eventually(t, "the hours are there", func() bool {
			return apps[0].Get(t, api+"/students/"+s.Student+"/balance/").Get("hours_available").String() == "4.00"
		})
	}
	apps[0].Get(t, api+"/cases/?status=open&kind=unexplained_invoice&limit=100").WantFields(t, fields{"data.#": "25"})
	db.MustAudit(t)
}

// What came back is of the lots that it was taken from: it ends when they do.
func TestWhatComesBackEndsWithItsLots(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		app.MustRun(t, "plans", "add", "--id", "ending", "--name", "ending", "--type", "subscription", "--hours", "4.00", "--amount", "5600", "--currency", "eur",
			"--stripe-price-id", month.Price, "--valid-days", "30")
		s := harness.NewTeller(harness.V2026)
		now := time.Now().Unix() - harness.Epoch
		tell(t, app, s.Invoice("paid", "in_1", month).At(now-100), givingBack(s, "in_up", s.Invoice("paid", "in_down", prorated(month, -2800)).At(now-50)))
		app.WantBalance(t, s.Student, fields{"hours_available": "2.00"})
		tell(t, app, s.Invoice("payment_failed", "in_up", month).At(now-20))
		app.WantBalance(t, s.Student, fields{"hours_available": "4.00"})
		app.Get(t, api+"/students/"+s.Student+"/lots/").WantFields(t, fields{"data.#": "1", "data.0.hours": "4.00", "data.0.hours_drawn": "0.00"})
		app.MustAudit(t)
	})
}

// An upgrade that nobody paid is worth nothing to what comes after it, either.
func TestWhatNobodyPaidBuysNothing(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		app.MustRun(t, "plans", "add", "--id", "bulk", "--name", "bulk", "--type", "subscription", "--hours", "100.00", "--amount", "56000", "--currency", "eur", "--stripe-price-id", "price_bulk")
		s := harness.NewTeller(harness.V2026)
		up, back := month, month
		up.Quantity, up.Amount, up.Proration = 10, 56_000, true
		back.Quantity, back.Amount, back.Proration = 10, -55_000, true
		bulk := line{Price: "price_bulk", Unit: 56_000, Amount: 56_000, Proration: true}
		tell(t, app, s.Invoice("paid", "in_1", month), s.Invoice("payment_failed", "in_up", prorated(month, -5600), up))
		wantUnexplained(t, app, givingBack(s, "in_up", s.Invoice("paid", "in_2", back, bulk)), s.Student, "4.00")
		app.MustAudit(t)
	})
}

// Where it turns out only later that nobody paid it, staff are told, and no more once it is paid.
func TestWhatTurnsOutToHaveBoughtWithWhatNobodyPaidIsACase(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		s := harness.NewTeller(harness.V2026)
		want := func(cases, hours string) {
			t.Helper()
			app.Get(t, api+"/cases/?status=open&kind=unexplained_invoice&student_id="+s.Student).WantFields(t, fields{"data.#": cases})
			app.WantBalance(t, s.Student, fields{"hours_available": hours})
		}
		more := month
		more.Quantity, more.Amount, more.Proration = 2, 11_200, true
		next := givingBack(s, "in_up", s.Invoice("paid", "in_2", prorated(month, -5600), more))
		tell(t, app, s.Invoice("paid", "in_1", month), next)
		want("1", "8.00") // before anything is told of it
		tell(t, app, s.Invoice("payment_failed", "in_up", month))
		want("1", "8.00") // once it failed
		app.Get(t, api+"/cases/?status=open&kind=unexplained_invoice&student_id="+s.Student).WantFields(t, fields{"data.0.payment": s.ID("in_2"), "data.0.amount": "5600"})
		tellAny(t, app, next.Again())
		want("1", "8.00") // told again
		tell(t, app, s.Invoice("paid", "in_up", month))
		want("0", "12.00") // once it is paid
		app.MustAudit(t)
	})
}

// An invoice that waited for its owner, too, stands on those that it gives back alone.
func TestWhatAnInvoiceWaitedForIsNotGivenBack(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		s := harness.NewTeller(harness.V2026)
		next := givingBack(s, "in_1", s.Invoice("paid", "in_2", prorated(month, -2800), month))
		tellAny(t, app, s.Invoice("payment_failed", "in_1", month), next)
		tell(t, app, s.Invoice("paid", "in_1", month))
		harness.Eventually(t, "it is woken", func() bool {
			return app.Get(t, api+"/events/"+next.ID+"/").Get("status").String() == "processed"
		})
		tell(t, app, s.CreditNote("created", "cn_1", "in_1", 100))
		app.Get(t, api+"/cases/?status=open&student_id="+s.Student).WantFields(t, fields{"data.#": "0"})
	})
}

// What nobody paid is worth nothing either after a change for the same sum, nor is what was
// paid and all refunded since.
func TestWhatIsWorthNothingBuysNothingUnseen(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		app.MustRun(t, "plans", "add", "--id", "bulk", "--name", "bulk", "--type", "subscription", "--hours", "100.00", "--amount", "56000", "--currency", "eur", "--stripe-price-id", "price_bulk")
		times := func(amount int64) line {
			l := month
			l.Quantity, l.Amount, l.Proration = 10, amount, true
			return l
		}
		bulk := line{Price: "price_bulk", Unit: 56_000, Amount: 56_000, Proration: true}
		open := func(s *harness.Teller, cases string) {
			t.Helper()
			app.Get(t, api+"/cases/?status=open&kind=unexplained_invoice&student_id="+s.Student).WantFields(t, fields{"data.#": cases})
		}

		s := harness.NewTeller(harness.V2026)
		swap := givingBack(s, "in_up", s.Invoice("paid", "in_2", times(-56_000), times(56_000)))
		tell(t, app, s.Invoice("paid", "in_1", month), s.Invoice("payment_failed", "in_up", prorated(month, -5600), times(56_000)))
		tellAny(t, app, swap)
		tell(t, app, givingBack(s, "in_2", s.Invoice("paid", "in_3", times(-55_000), bulk)))
		open(s, "1")

		s = harness.NewTeller(harness.V2026)
		tell(t, app, s.Invoice("paid", "in_1", month))
		up := s.PaidInvoice("in_up", "pi_up", prorated(month, -5600), times(56_000))
		tell(t, app, up[2], up[1], up[0])
		next := givingBack(s, "in_up", s.Invoice("paid", "in_3", times(-55_000), bulk))
		tell(t, app, next)
		open(s, "0")
		tell(t, app, s.Dispute("created", "dp_1", "pi_up", 50_400, "needs_response"))
		open(s, "1")
		tell(t, app, s.Dispute("closed", "dp_1", "pi_up", 50_400, "won").At(1000))
		open(s, "0")
		tell(t, app, s.Refunded("pi_up", 50_400, 50_400).At(2000))
		open(s, "1")
		app.MustAudit(t)
	})
}

// What takes hours off may be given back itself, in any order.
func TestWhatTookHoursOffIsGivenBackInAnyOrder(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		for _, laterFirst := range []bool{false, true} {
			s := harness.NewTeller(harness.V2026)
			told := events{givingBack(s, "in_1", s.Invoice("paid", "in_x", prorated(month, -2800))), givingBack(s, "in_x", s.Invoice("paid", "in_y", prorated(month, -1400)))}
			if laterFirst {
				told[0], told[1] = told[1], told[0]
			}
			tell(t, app, s.Invoice("paid", "in_1", month))
			tell(t, app, told...)
			app.WantBalance(t, s.Student, fields{"hours_available": "1.00"})
			app.Get(t, api+"/cases/?status=open&student_id="+s.Student).WantFields(t, fields{"data.#": "0"})
		}
	})
}

// What staff accept stands on what it gave back like anything else that was paid.
func TestWhatIsAcceptedStandsOnWhatItGivesBack(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		s := harness.NewTeller(harness.V2026)
		more := month
		more.Quantity, more.Amount, more.Proration = 2, 11_200, true
		next := givingBack(s, "in_up", s.Invoice("paid", "in_3", prorated(month, -5600), more)).With("pre_payment_credit_notes_amount", 100)
		tell(t, app, s.Invoice("paid", "in_1", month), next)
		tell(t, app, s.Invoice("payment_failed", "in_up", month))
		app.Get(t, api+"/cases/?status=open&kind=unexplained_invoice").WantFields(t, fields{"data.#": "0"}) // none of it is credited
		id := app.Get(t, api+"/purchases/"+s.ID("in_3")+"/").Get("id").String()
		app.Post(t, harness.AdminKey, api+"/purchases/"+id+"/acceptance/", `{"payment":"`+s.ID("in_3")+`","note":"known"}`).Want(t, http.StatusCreated)
		app.Get(t, api+"/cases/?status=open&kind=unexplained_invoice").WantFields(t, fields{"data.#": "1"})
	})
}

// A credit note that waited for its invoice ends no case of what that gave back.
func TestACreditNoteThatWaitedEndsNoCase(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		s := harness.NewTeller(harness.V2026)
		note := s.CreditNote("created", "cn_1", "in_2", 100)
		more := month
		more.Quantity, more.Amount, more.Proration = 2, 11_200, true
		tell(t, app, s.Invoice("paid", "in_1", month))
		tellAny(t, app, note)
		tell(t, app, givingBack(s, "in_up", s.Invoice("paid", "in_2", prorated(month, -5600), more)))
		harness.Eventually(t, "the note is applied", func() bool {
			return app.Get(t, api+"/events/"+note.ID+"/").Get("status").String() == "processed"
		})
		app.Get(t, api+"/cases/?status=open&kind=unexplained_invoice").WantFields(t, fields{"data.#": "1"})
	})
}

// Nor does an invoice of no subscription take off what was never credited.
func TestAnInvoiceOfItsOwnTakesOffNothingThatWasNeverCredited(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		for _, known := range []bool{true, false} {
			s := harness.NewTeller(harness.V2026)
			failed := s.Invoice("payment_failed", "in_up", month)
			down := givingBack(s, "in_up", s.Invoice("paid", "in_down", prorated(month, -5600)).With("parent", nil).With("billing_reason", "manual").With("metadata", object{"student_id": s.Student}))
			told := events{down, failed}
			if known {
				told = events{failed, down}
			}
			tell(t, app, s.Invoice("paid", "in_1", month))
			tellAny(t, app, told...)
			app.WantBalance(t, s.Student, fields{"hours_available": "4.00"})
		}
		app.Get(t, api+"/cases/?status=open&kind=unexplained_invoice").WantFields(t, fields{"data.#": "2"})
		app.MustAudit(t)
	})
}

// What a subscription changed may be billed by an invoice of its own, whose lines alone name it.
func TestAPendingProrationIsItsSubscriptions(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		s := harness.NewTeller(harness.V2026)
		up := s.Invoice("paid", "in_up", prorated(month, 5600)).With("parent", nil).With("billing_reason", "manual")
		tell(t, app, s.Subscription("created", object{"student_id": s.Student}), s.Invoice("paid", "in_1", month), up)
		app.WantBalance(t, s.Student, fields{"hours_available": "8.00"})
	})
}
