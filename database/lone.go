package database

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// lone is a Write's statement for a single row on SQLite. Where it plainly
// inserts or updates, parameters stand where columns of the relation are named:
// of the relation, SQLite would first make a table, to update from it or where
// an insert has triggers.
type lone struct {
	text    string
	columns []string // the parameters'
}

var (
	lones sync.Map // by the statement that they are made of

	plainInsert = regexp.MustCompile(`^(\s*INSERT INTO \w+ \([\w\s,]+\)\s+)SELECT\s+([\w\s,]+?)\s+FROM %s(?:\s+WHERE true)?`)
	plainUpdate = regexp.MustCompile(`^(\s*UPDATE [^()]+?)\s+FROM %s(\s+WHERE [^()]+)$`)
	named       = regexp.MustCompile(`\br\.\w+`)
	separator   = regexp.MustCompile(`,\s*`)
)

// loneOf makes a lone of a Write's statement and columns.
func loneOf(statement string, columns []Column) lone {
	if known, ok := lones.Load(statement); ok {
		return known.(lone) //nolint:forcetypeassert // nothing else is stored
	}
	var l lone
	if insert := plainInsert.FindStringSubmatch(statement); insert != nil {
		l.columns = separator.Split(insert[2], -1)
		values := "VALUES (?" + strings.Repeat(", ?", len(l.columns)-1) + ")"
		l.text = insert[1] + values + strings.TrimPrefix(statement, insert[0])
	} else if plainUpdate.MatchString(statement) {
		l.text = named.ReplaceAllStringFunc(plainUpdate.ReplaceAllString(statement, "$1$2"), func(column string) string {
			l.columns = append(l.columns, strings.TrimPrefix(column, "r."))
			return "?"
		})
	} else {
		fields := make([]string, len(columns))
		for i, c := range columns {
			fields[i] = "? AS " + c.Name
			l.columns = append(l.columns, c.Name)
		}
		l.text = fmt.Sprintf(statement, "(SELECT "+strings.Join(fields, ", ")+") AS r")
	}
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
