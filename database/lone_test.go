package database

import (
	"fmt"
	"testing"
)

func TestLoneStatements(t *testing.T) {
	t.Parallel()
	columns := []Column{
		ColumnOf("id", "text", []string{"x"}, func(id string) string { return id }),
		ColumnOf("hours", "bigint", []int64{5}, func(hours int64) int64 { return hours }),
	}
	for statement, want := range map[string]string{
		"INSERT INTO t (id, a, b) SELECT id, hours,\n\t\thours\n\tFROM %s WHERE true ON CONFLICT (id) DO NOTHING": "INSERT INTO t (id, a, b) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING [x 5 5]",
		"INSERT INTO t (id) SELECT id FROM %s": "INSERT INTO t (id) VALUES (?) [x]",
		"UPDATE t SET hours = u.hours FROM (SELECT r.id, r.hours FROM %s JOIN v ON v.id = r.id) AS u WHERE t.id = u.id": "UPDATE t SET hours = u.hours FROM (SELECT r.id, r.hours FROM (SELECT ? AS id, ? AS hours) AS r JOIN v ON v.id = r.id) AS u WHERE t.id = u.id [x 5]",
		"DELETE FROM t WHERE id IN (SELECT id FROM %s)":                                                                 "DELETE FROM t WHERE id IN (SELECT id FROM (SELECT ? AS id, ? AS hours) AS r) [x 5]",
		"INSERT INTO t (id, a) SELECT r.id, coalesce(r.hours, 0) FROM %s":                                               "INSERT INTO t (id, a) SELECT r.id, coalesce(r.hours, 0) FROM (SELECT ? AS id, ? AS hours) AS r [x 5]",
		"UPDATE t SET hours = hours + r.hours\n\t\tFROM %s\n\tWHERE t.id = r.id":                                        "UPDATE t SET hours = hours + ?\n\tWHERE t.id = ? [5 x]",
	} {
		text, args := loneOf(statement, columns).with(columns)
		if got := fmt.Sprint(text, " ", args); got != want {
			t.Errorf("%q became\n%q, want\n%q", statement, got, want)
		}
	}
}
