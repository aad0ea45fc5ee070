package services

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// A statement for a whole batch takes its rows as one array a column, so that
// its text is the same for one row and for five hundred: PostgreSQL unnests
// the arrays, SQLite reads them from one JSON document, or a lone row's
// from parameters.

// write is a statement that stores rows. Its text has one %s, where the
// relation r of its columns goes.
type write struct {
	what      string
	statement string
	columns   []column
	rows      int   // how many rows it must store
	short     error // what it means when it stores fewer
}

// column is a column of a relation: a value a row.
type column struct {
	name, kind string // kind is PostgreSQL's type
	values     any    // a pointer to a slice, which passes through GORM in one piece
	value      func(row int) any
}

func columnOf[R, V any](name, kind string, rows []R, value func(R) V) column {
	values := make([]V, len(rows))
	for i, row := range rows {
		values[i] = value(row)
	}
	return column{name: name, kind: kind, values: &values, value: func(row int) any { return values[row] }}
}

// sql gives the statement and its arguments in an engine's words.
func (w write) sql(tx *gorm.DB) (string, []any) {
	layOut := inSQLite
	if isPostgres(tx) {
		layOut = unnested
	}
	relation, args := layOut(w.columns, w.rows)
	return fmt.Sprintf(w.statement, relation), args
}

// store runs the writes in order. PostgreSQL gets all of them as one
// statement, which saves a lone event the better part of its way.
func store(tx *gorm.DB, writes []write) error {
	if len(writes) == 0 {
		return nil
	}
	stored := storeEach
	if isPostgres(tx) {
		stored = storeTogether
	}
	rows, err := stored(tx, writes)
	if err != nil {
		return err
	}
	for i, w := range writes {
		if rows[i] < int64(w.rows) {
			return cmp.Or(w.short, fmt.Errorf("%s: %d of %d rows stored", w.what, rows[i], w.rows))
		}
	}
	return nil
}

func storeEach(tx *gorm.DB, writes []write) ([]int64, error) {
	rows := make([]int64, len(writes))
	for i, w := range writes {
		statement, args := w.sql(tx)
		result := tx.Exec(statement, args...)
		if result.Error != nil {
			return nil, fmt.Errorf("%s: %w", w.what, result.Error)
		}
		rows[i] = result.RowsAffected
	}
	return rows, nil
}

func storeTogether(tx *gorm.DB, writes []write) ([]int64, error) {
	var with, counts strings.Builder
	var all []any
	rows := make([]int64, len(writes))
	pointers := make([]any, len(writes))
	for i, w := range writes {
		statement, args := w.sql(tx)
		separator := ", "
		if i == 0 {
			separator = ""
		}
		fmt.Fprintf(&with, "%sw%d AS (%s RETURNING 1)", separator, i, statement)
		fmt.Fprintf(&counts, "%s(SELECT count(*) FROM w%d)", separator, i)
		all = append(all, args...)
		pointers[i] = &rows[i]
	}
	statement := "WITH " + with.String() + " SELECT " + counts.String()
	if err := tx.Raw(statement, all...).Row().Scan(pointers...); err != nil {
		return nil, fmt.Errorf("store a batch: %w", err)
	}
	return rows, nil
}

func isPostgres(tx *gorm.DB) bool { return tx.Name() == "postgres" }

// unnested gives the rows as arrays of equal length, unnested beside each
// other in a select list: unnest(a, b, …) in FROM would first store each
// array's elements apart.
func unnested(columns []column, _ int) (string, []any) {
	fields, args := make([]string, len(columns)), make([]any, len(columns))
	for i, c := range columns {
		args[i] = c.values
		fields[i] = fmt.Sprintf("unnest(?::%s[]) AS %s", c.kind, c.name)
		if c.kind == "jsonb" {
			fields[i] = fmt.Sprintf("unnest(?::text[])::jsonb AS %s", c.name)
		}
	}
	return fmt.Sprintf("(SELECT %s) AS r", strings.Join(fields, ", ")), args
}

// sqliteTime is how the SQLite driver writes times; text in this form sorts.
const sqliteTime = "2006-01-02 15:04:05.999999999-07:00"

// sqliteValue is a column's value in a form that reads the same as a parameter
// and from JSON.
func (c column) sqliteValue(row int) any {
	value := c.value(row)
	if t, ok := value.(*time.Time); ok && t != nil {
		return t.Format(sqliteTime)
	}
	return value
}

// inSQLite gives the rows as one JSON document. A lone row is given as
// parameters, which is half the work.
func inSQLite(columns []column, count int) (string, []any) {
	if count == 1 {
		return oneRow(columns)
	}
	fields := make([]string, len(columns))
	rows := make([][]any, count)
	for i, c := range columns {
		fields[i] = fmt.Sprintf("value->>%d AS %s", i, c.name)
	}
	for row := range rows {
		rows[row] = make([]any, len(columns))
		for i, c := range columns {
			rows[row][i] = c.sqliteValue(row)
		}
	}
	document, err := json.Marshal(rows)
	if err != nil {
		panic(fmt.Sprintf("encode rows: %v", err)) // only strings, integers, booleans and times get here
	}
	return fmt.Sprintf("(SELECT %s FROM json_each(?)) AS r", strings.Join(fields, ", ")), []any{string(document)}
}

func oneRow(columns []column) (string, []any) {
	fields, args := make([]string, len(columns)), make([]any, len(columns))
	for i, c := range columns {
		fields[i], args[i] = "? AS "+c.name, c.sqliteValue(0)
	}
	return fmt.Sprintf("(SELECT %s) AS r", strings.Join(fields, ", ")), args
}

// isAnyOf is the condition that a column equals one of the values.
func isAnyOf(tx *gorm.DB, column string, values []string) clause.Expression {
	if isPostgres(tx) {
		return clause.Expr{SQL: column + " = ANY(?)", Vars: []any{&values}}
	}
	if len(values) == 1 {
		return clause.Expr{SQL: column + " = ?", Vars: []any{values[0]}}
	}
	return clause.Expr{SQL: column + " IN (SELECT value FROM json_each(?))", Vars: []any{*jsonOrNull(&values)}}
}
