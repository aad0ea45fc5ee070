package statements

import "hourbank/database"

// Waiting is a key that an event waits for.
type Waiting struct{ Key, EventID string }

// Await keeps what events wait for.
func Await(rows []Waiting) database.Write {
	w := database.Insert("note what events wait for", "waiting_events", rows, []database.Column{
		database.ColumnOf("key", "text", rows, func(w Waiting) string { return w.Key }),
		database.ColumnOf("event_id", "text", rows, func(w Waiting) string { return w.EventID }),
	}, "ON CONFLICT (key, event_id) DO NOTHING")
	w.AtMost = true
	return w
}

// AwaitNoMore forgets what resolved events waited for.
func AwaitNoMore(events []string) database.Write {
	return database.Write{What: "forget what events waited for", Rows: len(events), AtMost: true,
		Statement: `DELETE FROM waiting_events WHERE event_id IN (SELECT event_id FROM %s)`,
		Columns:   []database.Column{database.ColumnOf("event_id", "text", events, func(id string) string { return id })},
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
