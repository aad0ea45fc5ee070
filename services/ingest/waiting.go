package ingest

import (
	"strings"

	"gorm.io/gorm"

	"hourbank/database"
	"hourbank/models"
)

// knows says whether the book learned something by a key that an event of its
// may wait for.
func (b *book) knows(key string) bool {
	return b.keys[key] != nil || b.made[key] != nil || len(b.told[key]) > 0
}

type waitingEvent struct{ key, eventID string }

// await keeps what events wait for.
func await(items []*item) database.Write {
	var rows []waitingEvent
	for _, e := range items {
		for _, key := range e.awaits {
			rows = append(rows, waitingEvent{key, e.event.ID})
		}
	}
	w := database.Insert("note what events wait for", "waiting_events", rows, []database.Column{
		database.ColumnOf("key", "text", rows, func(w waitingEvent) string { return w.key }),
		database.ColumnOf("event_id", "text", rows, func(w waitingEvent) string { return w.eventID }),
	}, "ON CONFLICT (key, event_id) DO NOTHING")
	w.AtMost = true
	return w
}

// awaitNoMore forgets what resolved events waited for.
func awaitNoMore(items []*item) database.Write {
	return database.Write{What: "forget what events waited for", Rows: len(items), AtMost: true,
		Statement: `DELETE FROM waiting_events WHERE event_id IN (SELECT event_id FROM %s)`,
		Columns:   []database.Column{database.ColumnOf("event_id", "text", items, func(e *item) string { return e.event.ID })},
	}
}

// Wake lets the retry worker try unresolved events again that wait for one of
// the keys, also those that were given up: a time in the past is due.
func Wake(keys []string) database.Write {
	return database.Write{What: "wake waiting events", Rows: len(keys), AtMost: true, Statement: `
		UPDATE webhook_events SET status = 'parked', next_attempt_at = received_at, processed_at = NULL
		WHERE (status = 'parked' OR reason = 'unmatched')
			AND id IN (SELECT event_id FROM waiting_events WHERE key IN (SELECT key FROM %s))`,
		Columns: []database.Column{database.ColumnOf("key", "text", keys, func(key string) string { return key })},
	}
}

// TakeKeys notes the keys of a purchase that was just stored, and lets the
// events be tried again that wait for it. It returns a unique violation where
// a key is another purchase's.
func TakeKeys(tx *gorm.DB, p *models.Purchase) error {
	owners := map[string]*models.Purchase{}
	for _, id := range p.Evidence.IDs() {
		owners[id] = p
	}
	keys := sortedKeys(owners)
	rows := insertKeys(keys)
	rows.Statement = strings.Replace(rows.Statement, onTakenKey, "", 1)
	waiting := []string{p.ID}
	for _, key := range keys {
		waiting = append(waiting, key.key)
	}
	return database.Store(tx, []database.Write{rows, Wake(waiting)})
}
