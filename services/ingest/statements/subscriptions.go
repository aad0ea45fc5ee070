package statements

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"hourbank/database"
	"hourbank/models"
)

// RememberSubscriptions keeps what was told of subscriptions, of each second what counts most.
func RememberSubscriptions(told map[string][]*models.Subscription, now time.Time) database.Write {
	type subscription = *models.Subscription
	rows := slices.Concat(slices.Collect(maps.Values(told))...)
	slices.SortFunc(rows, func(a, b subscription) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.ToldAt, b.ToldAt)) })
	w := database.Insert("remember subscriptions", "stripe_subscriptions", rows, []database.Column{
		database.ColumnOf("id", "text", rows, func(s subscription) string { return s.ID }),
		database.ColumnOf("student_id", "text", rows, func(s subscription) string { return s.StudentID }),
		database.ColumnOf("plan_id", "text", rows, func(s subscription) string { return s.PlanID }),
		database.ColumnOf("stripe_price_id", "text", rows, func(s subscription) string { return s.StripePriceID }),
		database.ColumnOf("told_at", "bigint", rows, func(s subscription) int64 { return s.ToldAt }),
		database.ColumnOf("updated_at", "timestamptz", rows, func(subscription) *time.Time { return &now }),
	}, `ON CONFLICT (id, told_at) DO UPDATE SET student_id = EXCLUDED.student_id, plan_id = EXCLUDED.plan_id,
			stripe_price_id = EXCLUDED.stripe_price_id, updated_at = EXCLUDED.updated_at
		WHERE (stripe_subscriptions.student_id <> '', stripe_subscriptions.student_id, stripe_subscriptions.plan_id, stripe_subscriptions.stripe_price_id)
			< (EXCLUDED.student_id <> '', EXCLUDED.student_id, EXCLUDED.plan_id, EXCLUDED.stripe_price_id)`)
	w.Short = ErrOvertaken
	return w
}
