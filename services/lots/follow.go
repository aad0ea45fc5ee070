package lots

import (
	"time"

	"hourbank/database"
	"hourbank/models"
)

// Follow notes what became of purchases whose hours expire, and what invoices took
// off. It is to be stored after the ledger's entries, which lock the accounts: whoever
// books locks these first, too. Other purchases cost nothing.
func Follow(purchases []*models.Purchase, entries []models.LedgerEntry, now time.Time) []database.Write {
	var paid, undone []models.Lot
	for _, p := range purchases {
		switch {
		case p.ValidDays == nil:
		case p.ExpiresAt != nil:
			paid = append(paid, models.Lot{
				ID: p.ID, StudentID: p.StudentID, TransactionID: &p.ID, Hours: p.HoursCredited - p.HoursReversed, Stale: true,
				CameAt: *p.CompletedAt, ExpiresAt: *p.ExpiresAt, BookedAt: now,
			})
		case p.HoursCredited > 0 || p.MergedInto != nil:
			undone = append(undone, models.Lot{ID: p.ID})
		}
	}
	var lessened []models.Lot
	for _, e := range entries {
		if e.Kind == models.EntryAdjustment {
			lessened = append(lessened, models.Lot{StudentID: e.StudentID})
		}
	}
	return []database.Write{keep(paid), empty(undone), stale(lessened)}
}

// keep inserts lots, or changes what is known of them.
func keep(lots []models.Lot) database.Write {
	type lot = models.Lot
	w := database.Insert("keep lots", lot{}.TableName(), lots, []database.Column{
		database.ColumnOf("id", "text", lots, func(l lot) string { return l.ID }),
		database.ColumnOf("student_id", "text", lots, func(l lot) string { return l.StudentID }),
		database.ColumnOf("transaction_id", "text", lots, func(l lot) *string { return l.TransactionID }),
		database.ColumnOf("hours", "bigint", lots, func(l lot) int64 { return int64(l.Hours) }),
		database.ColumnOf("stale", "boolean", lots, func(l lot) bool { return l.Stale }),
		database.ColumnOf("came_at", "timestamptz", lots, func(l lot) *time.Time { return &l.CameAt }),
		database.ColumnOf("expires_at", "timestamptz", lots, func(l lot) *time.Time { return &l.ExpiresAt }),
		database.ColumnOf("booked_at", "timestamptz", lots, func(l lot) *time.Time { return &l.BookedAt }),
	}, `ON CONFLICT (id) DO UPDATE SET hours = EXCLUDED.hours, came_at = EXCLUDED.came_at, expires_at = EXCLUDED.expires_at, stale = EXCLUDED.stale
		WHERE (hour_lots.hours, hour_lots.came_at, hour_lots.expires_at) <> (EXCLUDED.hours, EXCLUDED.came_at, EXCLUDED.expires_at)`)
	w.AtMost = true
	return w
}

// empty leaves lots of purchases that are not paid any more without hours.
func empty(lots []models.Lot) database.Write {
	return database.Write{What: "empty lots", Rows: len(lots), AtMost: true, Statement: `
		UPDATE hour_lots SET hours = 0, stale = true FROM %s WHERE hour_lots.id = r.id AND hour_lots.hours <> 0`,
		Columns: []database.Column{database.ColumnOf("id", "text", lots, func(l models.Lot) string { return l.ID })},
	}
}

// stale has the students' bookings drawn anew.
func stale(lots []models.Lot) database.Write {
	return database.Write{What: "have lots drawn from anew", Rows: len(lots), AtMost: true, Statement: `
		UPDATE hour_lots SET stale = true FROM %s WHERE hour_lots.student_id = r.student_id`,
		Columns: []database.Column{database.ColumnOf("student_id", "text", lots, func(l models.Lot) string { return l.StudentID })},
	}
}

// Granted is the lot of a grant that expires.
func Granted(entry *models.LedgerEntry, expires time.Time) database.Write {
	return keep([]models.Lot{{ID: entry.ID, StudentID: entry.StudentID, Hours: entry.Hours, Stale: true, CameAt: entry.CreatedAt, ExpiresAt: expires, BookedAt: entry.CreatedAt}})
}
