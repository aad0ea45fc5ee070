package paging

import (
	"errors"
	"testing"
	"time"

	"hourbank/models"
)

// A cursor that is taken is one that a list could have given.
func FuzzCursor(f *testing.F) {
	f.Add(Position{time.Unix(1_760_000_000, 0).UTC(), "01a209e0-41bb-76d7-bc45-7b659fec182f"}.cursor())
	for _, seed := range []string{"", "e30", "bnVsbA", "eyJ0IjoiOTk5OS0xMi0zMVQyMzo1OTo1OS0yMzo1OSIsImkiOiJ4In0", "====", "eyJpIjoiXHUwMDAwIn0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		p, err := parseCursor(cursor)
		if err != nil {
			if known, ok := errors.AsType[*models.Error](err); !ok || known.Code != models.CodeInvalidCursor {
				t.Fatalf("a sender's mistake is %v", err)
			}
			return
		}
		again, err := parseCursor(p.cursor())
		if err != nil || !again.Time.Equal(p.Time) || again.ID != p.ID {
			t.Fatalf("%q is %+v, then %+v (%v)", cursor, p, again, err)
		}
	})
}
