package paging

import (
	"errors"
	"testing"
	"time"

	"hourbank/models"
)

// A cursor that is taken is one that a list could have given.
func FuzzCursor(f *testing.F) {
	at := Position{Time: time.Unix(1_760_000_000, 0).UTC(), ID: "01a209e0-41bb-76d7-bc45-7b659fec182f"}
	f.Add(at.cursor())
	at.Order, at.Rank = SortOldest, 3
	f.Add(at.cursor())
	f.Add(Position{Order: "id", ID: "anna"}.cursor())
	for _, seed := range []string{"", "e30", "bnVsbA", "eyJ0IjoiOTk5OS0xMi0zMVQyMzo1OTo1OS0yMzo1OSIsImkiOiJ4In0", "====", "eyJpIjoiXHUwMDAwIn0"} {
		f.Add(seed)
	}
	orders := []Order{{Time: "t", ID: "i"}, {Name: SortOldest, Time: "t", ID: "i", Upwards: true}, {Name: "id", ID: "i", Upwards: true}}
	f.Fuzz(func(t *testing.T, cursor string) {
		taken := 0
		for _, order := range orders {
			p, err := order.parseCursor(cursor)
			if err != nil {
				if known, ok := errors.AsType[*models.Error](err); !ok || known.Code != models.CodeInvalidCursor {
					t.Fatalf("a sender's mistake is %v", err)
				}
				continue
			}
			taken++
			again, err := order.parseCursor(p.cursor())
			if err != nil || !again.Time.Equal(p.Time) || again.ID != p.ID || again.Rank != p.Rank {
				t.Fatalf("%q is %+v, then %+v (%v)", cursor, p, again, err)
			}
		}
		if taken > 1 {
			t.Fatalf("%q is of more than one order", cursor)
		}
	})
}
