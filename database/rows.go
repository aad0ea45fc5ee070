package database

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// A statement for a whole batch takes its rows as one array a column, so that
// its text is the same for one row and for five hundred: PostgreSQL unnests
// the arrays, SQLite reads them from one JSON document. Only a lone row has a
// text of its own on SQLite: see lone.

// Write is a statement that stores rows. Its text has one %s, where the
// relation r of its columns goes.
type Write struct {
	What      string
	Statement string
	Columns   []Column
	Rows      int   // how many rows it must store
	Short     error // what it means when it stores fewer
	AtMost    bool  // it may store any number of rows
}

// Insert stores rows in a table. onConflict is the clause of that name; empty:
// none.
func Insert[R any](what, table string, rows []R, columns []Column, onConflict string) Write {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	list := strings.Join(names, ", ")
	// "WHERE true" lets SQLite tell the conflict clause from a join's.
	statement := "INSERT INTO " + table + " (" + list + ") SELECT " + list + " FROM %s WHERE true " + onConflict
	return Write{What: what, Statement: statement, Columns: columns, Rows: len(rows)}
}

// Update writes the columns of rows that a table has by their id, which is the
// column of that name.
func Update[R any](what, table string, rows []R, columns []Column) Write {
	sets := make([]string, 0, len(columns))
	for _, c := range columns {
		if c.Name != "id" {
			sets = append(sets, c.Name+" = r."+c.Name)
		}
	}
	statement := "UPDATE " + table + " SET " + strings.Join(sets, ", ") + " FROM %s WHERE " + table + ".id = r.id"
	return Write{What: what, Statement: statement, Columns: columns, Rows: len(rows)}
}

// Column is a column of a relation: a value a row.
type Column struct {
	Name, Kind string // Kind is PostgreSQL's type
	values     any    // a pointer to a slice, which passes through GORM in one piece
	value      func(row int) any
}

// ColumnOf is a column of one value for each of the rows.
func ColumnOf[R, V any](name, kind string, rows []R, value func(R) V) Column {
	values := make([]V, len(rows))
	for i, row := range rows {
		values[i] = value(row)
	}
	return Column{Name: name, Kind: kind, values: &values, value: func(row int) any { return values[row] }}
}

// sql gives the statement and its arguments in an engine's words.
func (w Write) sql(tx *gorm.DB) (string, []any) {
	if w.Rows == 1 && !IsPostgres(tx) {
		return loneOf(w.Statement, w.Columns).with(w.Columns)
	}
	relation, args := relationOf(tx, w.Columns, w.Rows)
	return fmt.Sprintf(w.Statement, relation), args
}

// relationOf lays out the relation r.
func relationOf(tx *gorm.DB, columns []Column, rows int) (string, []any) {
	if IsPostgres(tx) {
		return unnested(columns)
	}
	return inSQLite(columns, rows)
}

// Select is a query whose text has one %s, where the relation r of so many rows goes.
func Select(tx *gorm.DB, query string, rows int, columns ...Column) *gorm.DB {
	relation, args := relationOf(tx, columns, rows)
	return tx.Raw(fmt.Sprintf(query, relation), args...)
}

// Store runs the writes in order, but for those without rows. PostgreSQL gets
// all of them as one statement, which saves a lone event the better part of
// its way.
func Store(tx *gorm.DB, writes []Write) error {
	writes = slices.DeleteFunc(writes, func(w Write) bool { return w.Rows == 0 })
	if len(writes) == 0 {
		return nil
	}
	stored := storeEach
	if IsPostgres(tx) {
		stored = storeTogether
	}
	rows, err := stored(tx, writes)
	if err != nil {
		return err
	}
	for i, w := range writes {
		if rows[i] < int64(w.Rows) && !w.AtMost {
			return cmp.Or(w.Short, fmt.Errorf("%s: %d of %d rows stored", w.What, rows[i], w.Rows))
		}
	}
	return nil
}

// storeEach is SQLite's. It goes past GORM, which would read through each text,
// and past the end of the context, which the transaction sees to: these
// statements wait for no lock, and the driver watches a context with a
// goroutine a statement.
func storeEach(tx *gorm.DB, writes []Write) ([]int64, error) {
	ctx := context.WithoutCancel(tx.Statement.Context)
	rows := make([]int64, len(writes))
	for i, w := range writes {
		statement, args := w.sql(tx)
		result, err := tx.Statement.ConnPool.ExecContext(ctx, statement, args...)
		if err == nil {
			rows[i], err = result.RowsAffected()
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", w.What, err)
		}
	}
	return rows, nil
}

func storeTogether(tx *gorm.DB, writes []Write) ([]int64, error) {
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

// IsPostgres says which of the two engines a handle is of.
func IsPostgres(tx *gorm.DB) bool { return tx.Name() == "postgres" }

// unnested gives the rows as arrays of equal length, unnested beside each
// other in a select list: unnest(a, b, …) in FROM would first store each
// array's elements apart.
func unnested(columns []Column) (string, []any) {
	fields, args := make([]string, len(columns)), make([]any, len(columns))
	for i, c := range columns {
		args[i] = c.values
		fields[i] = fmt.Sprintf("unnest(?::%s[]) AS %s", c.Kind, c.Name)
		if c.Kind == "jsonb" {
			fields[i] = fmt.Sprintf("unnest(?::text[])::jsonb AS %s", c.Name)
		}
	}
	return fmt.Sprintf("(SELECT %s) AS r", strings.Join(fields, ", ")), args
}

// sqliteTime is how the SQLite driver writes times; text in this form sorts.
const sqliteTime = "2006-01-02 15:04:05.999999999-07:00"

// sqliteValue is a column's value in a form that reads the same as a parameter
// and from JSON.
func (c Column) sqliteValue(row int) any {
	value := c.value(row)
	if t, ok := value.(*time.Time); ok && t != nil {
		return t.Format(sqliteTime)
	}
	return value
}

// inSQLite gives the rows as one JSON document.
func inSQLite(columns []Column, count int) (string, []any) {
	fields := make([]string, len(columns))
	rows := make([][]any, count)
	for i, c := range columns {
		fields[i] = fmt.Sprintf("value->>%d AS %s", i, c.Name)
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

// IsAnyOf is the condition that a column equals one of the values.
func IsAnyOf(tx *gorm.DB, column string, values []string) clause.Expression {
	if IsPostgres(tx) {
		return clause.Expr{SQL: column + " = ANY(?)", Vars: []any{&values}}
	}
	if len(values) == 1 {
		return clause.Expr{SQL: column + " = ?", Vars: []any{values[0]}}
	}
	return clause.Expr{SQL: column + " IN (SELECT value FROM json_each(?))", Vars: []any{*JSONOrNull(&values)}}
}

// JSONOrNull encodes a value that can always be encoded; nil is SQL's NULL.
func JSONOrNull[T any](value *T) *string {
	if value == nil {
		return nil
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("encode %T: %v", value, err)) // only strings, integers and maps of them get here
	}
	text := string(encoded)
	return &text
}
