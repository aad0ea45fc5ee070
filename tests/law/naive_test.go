package law

import (
	"cmp"
	"math/big"
	"slices"
	"strings"

	"hourbank/models"
)

// state is what the law is about.
type state struct {
	status                       models.PaymentStatus
	credited, reversed           models.Hours
	received, refunded, disputed int64
	completedAt                  int64
	failure                      string
}

// naive reads the whole history at once and applies the contract's sentences
// one after the other, in their order, with no thought of speed or of order
// of arrival. It shares no code with models but the facts' types.
func naive(terms models.Terms, told []told) state {
	var all []models.Fact
	for _, t := range told {
		all = append(all, t.facts...)
	}
	s := state{status: models.StatusPending}
	successes := factsOf(all, func(models.PaymentReceived) bool { return true })
	for _, f := range factsOf(all, func(models.ChargeCaptured) bool { return true }) {
		successes = append(successes, models.PaymentReceived(f)) // the charge itself is evidence of a success
	}
	slices.SortFunc(successes, func(a, b models.PaymentReceived) int { return cmp.Compare(a.At, b.At) })
	inFull := slices.IndexFunc(successes, func(f models.PaymentReceived) bool { return f.Amount == terms.Amount && f.Currency == terms.Currency })
	if inFull < 0 {
		naiveUnpaid(&s, all)
		if len(successes) > 0 {
			s.received = successes[len(successes)-1].Amount // what was received shows on the purchase
		}
		return s
	}
	s.credited, s.received, s.completedAt = terms.Hours, terms.Amount, successes[inFull].At
	s.refunded = min(naiveRefunded(all), terms.Amount)
	held, lost := naiveDisputed(all)
	s.disputed = min(held, terms.Amount-s.refunded)
	s.reversed = roundHalfUp(terms.Hours, s.refunded+s.disputed, terms.Amount)
	s.status = models.StatusCompleted
	if s.refunded > 0 {
		s.status = models.StatusPartiallyRefunded
	}
	if s.disputed > 0 || lost {
		s.status = models.StatusDisputed
	}
	if s.refunded == terms.Amount {
		s.status = models.StatusRefunded
	}
	return s
}

// naiveUnpaid: cancelled once cancelled; else the later of failed and
// processing, in the same second failed; else pending.
func naiveUnpaid(s *state, all []models.Fact) {
	lastProcessing := int64(-1)
	for _, f := range factsOf(all, func(models.PaymentProcessing) bool { return true }) {
		lastProcessing = max(lastProcessing, f.At)
		s.status = models.StatusProcessing
	}
	lastFailed := models.AttemptFailed{At: -1}
	for _, f := range factsOf(all, func(models.AttemptFailed) bool { return true }) {
		if f.At > lastFailed.At || (f.At == lastFailed.At && f.Code > lastFailed.Code) {
			lastFailed = f
		}
	}
	if lastFailed.At >= 0 && lastFailed.At >= lastProcessing {
		s.status, s.failure = models.StatusFailed, lastFailed.Code
	}
	for _, f := range factsOf(all, func(models.PaymentCancelled) bool { return true }) {
		s.status, s.failure = models.StatusCancelled, f.Code
	}
}

// naiveRefunded: the last snapshot, refunds created after it, less refunds
// that failed after it.
func naiveRefunded(all []models.Fact) int64 {
	snapshot := models.RefundTotalSeen{At: -1}
	for _, f := range factsOf(all, func(models.RefundTotalSeen) bool { return true }) {
		if f.At > snapshot.At || (f.At == snapshot.At && f.Amount > snapshot.Amount) {
			snapshot = f
		}
	}
	sum := snapshot.Amount
	var done []string
	for _, refund := range factsOf(all, func(models.RefundSeen) bool { return true }) {
		if slices.Contains(done, refund.ID) {
			continue
		}
		done = append(done, refund.ID)
		tellings := factsOf(all, func(f models.RefundSeen) bool { return f.ID == refund.ID })
		life := []string{"pending", "requires_action", "succeeded", "failed", "canceled"}
		slices.SortFunc(tellings, func(a, b models.RefundSeen) int {
			return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(slices.Index(life, a.Status), slices.Index(life, b.Status)))
		})
		now, gone := tellings[len(tellings)-1], slices.IndexFunc(tellings, func(f models.RefundSeen) bool { return f.Status == "failed" || f.Status == "canceled" })
		switch {
		case now.Created > snapshot.At && gone < 0:
			sum += now.Amount
		case now.Created <= snapshot.At && gone >= 0 && tellings[gone].At > snapshot.At:
			sum -= now.Amount
		}
	}
	return max(sum, 0)
}

// naiveDisputed: held unless the dispute is a warning_*, is won, or its funds
// were reinstated.
func naiveDisputed(all []models.Fact) (held int64, lost bool) {
	for _, id := range []string{"dp_1", "dp_2"} {
		tellings := factsOf(all, func(f models.DisputeSeen) bool { return f.ID == id })
		if len(tellings) == 0 {
			continue
		}
		life := []string{"warning_needs_response", "warning_under_review", "warning_closed", "needs_response", "under_review", "won", "lost"}
		slices.SortFunc(tellings, func(a, b models.DisputeSeen) int {
			return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(slices.Index(life, a.Status), slices.Index(life, b.Status)))
		})
		now := tellings[len(tellings)-1]
		reinstated := slices.ContainsFunc(tellings, func(f models.DisputeSeen) bool { return f.Reinstated })
		if !strings.HasPrefix(now.Status, "warning_") && now.Status != "won" && !reinstated {
			held += now.Amount
		}
		lost = lost || now.Status == "lost"
	}
	return held, lost
}

func factsOf[F models.Fact](all []models.Fact, keep func(F) bool) []F {
	var found []F
	for _, fact := range all {
		if f, ok := fact.(F); ok && keep(f) {
			found = append(found, f)
		}
	}
	return found
}

// roundHalfUp is hours × part / whole with fractions that lose nothing.
func roundHalfUp(hours models.Hours, part, whole int64) models.Hours {
	exact := new(big.Rat).Mul(big.NewRat(int64(hours), 1), big.NewRat(part, whole))
	exact.Add(exact, big.NewRat(1, 2))
	return models.Hours(new(big.Int).Div(exact.Num(), exact.Denom()).Int64())
}
