package sandbox

import (
	"encoding/json"
	"strconv"
)

// Stripe renders what is not there as null, never as "" or 0. These types do
// so for their zero value.
type (
	nullString string
	nullInt    int64 // an amount or a time
)

func (s nullString) MarshalJSON() ([]byte, error) {
	if s == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(s))
}

func (n nullInt) MarshalJSON() ([]byte, error) {
	if n == 0 {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, int64(n), 10), nil
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
