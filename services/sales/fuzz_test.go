package sales

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"unicode/utf8"

	"hourbank/models"
)

// ours are the codes of what no sender could have caused.
var ours = []models.Code{models.CodeInternal, models.CodeUnavailable, models.CodeOverloaded, models.CodeStripeError, models.CodeStripeUnavailable}

// wantUserError fails for errors that a sender could not have caused.
func wantUserError(t *testing.T, err error) {
	t.Helper()
	if known, ok := errors.AsType[*models.Error](err); !ok || slices.Contains(ours, known.Code) {
		t.Fatalf("a sender's mistake is %v", err)
	}
}

// An id, such as an Idempotency-Key, that is taken is one that every database
// keeps as it is.
func FuzzID(f *testing.F) {
	for _, seed := range []string{"key-1", "", "ключ", "a\x00b", "\xff", "\u0085", "\u202e", "x\ny"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if err := models.ValidateID("Idempotency-Key", id); err != nil {
			wantUserError(t, err)
			return
		}
		if id == "" || len(id) > models.MaxIDLength || !utf8.ValidString(id) || bytes.ContainsAny([]byte(id), "\x00\n\r\x7f") {
			t.Fatalf("%q was taken", id)
		}
		one, other := RequestKey{APIKey: "a", Key: id}, RequestKey{APIKey: "a" + id, Key: id}
		if one.id() == other.id() {
			t.Fatalf("two callers' keys %q are one", id)
		}
	})
}
