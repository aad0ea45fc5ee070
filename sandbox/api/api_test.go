package api

import (
	"net/url"
	"reflect"
	"testing"
)

func TestDifferences(t *testing.T) {
	before := Object{"same": 1, "was": "a", "gone": true, "deep": Object{"x": 1, "y": 2}, "list": []any{1}}
	after := Object{"same": 1, "was": "b", "new": 5, "deep": Object{"x": 1, "y": 3}, "list": []any{1, 2}}
	want := Object{"was": "a", "gone": true, "new": nil, "deep": Object{"y": 2}, "list": []any{1}}
	if got := differences(before, after); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestForm(t *testing.T) {
	f, err := newForm(url.Values{
		"amount": {"12"}, "metadata[a]": {"1"}, "metadata[b]": {""}, "expand[]": {"x", "y"},
		"items[0][price]": {"p0"}, "items[1][price]": {"p1"}, "confirm": {"maybe"}, "limit": {"ten"},
	}, func(string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	if n := f.Number("amount", 0); n != 12 {
		t.Errorf("amount: %d", n)
	}
	if got, want := f.Metadata(Metadata{"b": "2", "c": "3"}), (Metadata{"a": "1", "c": "3"}); !reflect.DeepEqual(got, want) {
		t.Errorf("metadata: %v", got)
	}
	if got := f.Texts("expand"); !reflect.DeepEqual(got, []string{"x", "y"}) {
		t.Errorf("expand: %v", got)
	}
	if items := f.Elements("items"); len(items) != 2 || items[1].Text("price") != "p1" {
		t.Errorf("items: %v", items)
	}
	f.Flag("confirm", false)
	f.Number("limit", 0)
	if err := f.End(); err == nil || err.Error() != "Invalid boolean: maybe" {
		t.Errorf("the first mistake: %v", err)
	}
}
