package database

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// lone is a Write's statement for a single row on SQLite, with a parameter
// wherever a column of the relation is named: of the relation, SQLite would
// first make a table, to update from it or where an insert has triggers.
type lone struct {
	text    string
	columns []string // the parameters'
}

var (
	lones sync.Map // by the statement that they are made of

	selected  = regexp.MustCompile(`SELECT\s+([\w\s,]+?)\s+FROM %s(?:\s+WHERE true)?`)
	from      = regexp.MustCompile(`\s+FROM %s`)
	named     = regexp.MustCompile(`\br\.\w+`)
	separator = regexp.MustCompile(`,\s*`)
)

// loneOf makes a lone of a statement as Write describes it.
func loneOf(statement string) lone {
	if known, ok := lones.Load(statement); ok {
		return known.(lone) //nolint:forcetypeassert // nothing else is stored
	}
	var l lone
	l.text = selected.ReplaceAllStringFunc(statement, func(selects string) string {
		l.columns = separator.Split(selected.FindStringSubmatch(selects)[1], -1)
		return "VALUES (?" + strings.Repeat(", ?", len(l.columns)-1) + ")"
	})
	l.text = named.ReplaceAllStringFunc(from.ReplaceAllString(l.text, ""), func(column string) string {
		l.columns = append(l.columns, strings.TrimPrefix(column, "r."))
		return "?"
	})
	lones.Store(statement, l)
	return l
}

// with gives the statement with the first row's values.
func (l lone) with(columns []Column) (string, []any) {
	args := make([]any, len(l.columns))
	for i, name := range l.columns {
		args[i] = columns[slices.IndexFunc(columns, func(c Column) bool { return c.Name == name })].sqliteValue(0)
	}
	return l.text, args
}
