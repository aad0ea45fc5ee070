package services

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// A statement for a whole batch takes its rows as one array a column, so that
// its text is the same for one row and for five hundred: PostgreSQL unnests
// the arrays, SQLite reads them from one JSON document.

// part is one thing that a statement is given, in the order of its places: a
// plain argument, or a column of the relation that %s stands for.
type part struct {
	name, kind string // kind is PostgreSQL's type; both empty for an argument
	value      any    // an argument, or a pointer to the column's slice
	at         func(row int) any
	rows       int
}

// column is a column of the relation, a value a row.
func column[R, V any](name, kind string, rows []R, value func(R) V) part {
	values := make([]V, len(rows))
	for i, row := range rows {
		values[i] = value(row)
	}
	return part{name: name, kind: kind, value: &values, rows: len(rows), at: func(row int) any { return values[row] }}
}

// argument is a plain value for a "?".
func argument(value any) part { return part{value: value} }

// exec runs a statement in which %s stands for the relation r, made of the
// parts that are columns.
func exec(tx *gorm.DB, statement string, parts ...part) *gorm.DB {
	var columns []part
	var args []any
	for i, p := range parts {
		if p.kind == "" {
			args = append(args, p.value)
			continue
		}
		columns = append(columns, p)
		if next := i + 1; next == len(parts) || parts[next].kind == "" {
			relation, values := relationOf(tx, columns)
			statement = fmt.Sprintf(statement, relation)
			args = append(args, values...)
		}
	}
	return tx.Exec(statement, args...)
}

func relationOf(tx *gorm.DB, columns []part) (string, []any) {
	if isPostgres(tx) {
		return unnested(columns)
	}
	return fromJSON(columns)
}

func isPostgres(tx *gorm.DB) bool { return tx.Name() == "postgres" }

func unnested(columns []part) (string, []any) {
	names, arrays, args := make([]string, len(columns)), make([]string, len(columns)), make([]any, len(columns))
	for i, c := range columns {
		names[i], args[i] = c.name, c.value
		arrays[i] = "?::" + c.kind + "[]"
		if c.kind == "jsonb" {
			arrays[i] = "?::text[]::jsonb[]"
		}
	}
	return fmt.Sprintf("unnest(%s) AS r(%s)", strings.Join(arrays, ", "), strings.Join(names, ", ")), args
}

// sqliteTime is how the SQLite driver writes times; text in this form sorts.
const sqliteTime = "2006-01-02 15:04:05.999999999-07:00"

func fromJSON(columns []part) (string, []any) {
	fields := make([]string, len(columns))
	rows := make([][]any, columns[0].rows)
	for i, c := range columns {
		fields[i] = fmt.Sprintf("value->>%d AS %s", i, c.name)
	}
	for row := range rows {
		rows[row] = make([]any, len(columns))
		for i, c := range columns {
			rows[row][i] = c.at(row)
			if t, ok := rows[row][i].(*time.Time); ok && t != nil {
				rows[row][i] = t.Format(sqliteTime)
			}
		}
	}
	document, err := json.Marshal(rows)
	if err != nil {
		panic(fmt.Sprintf("encode rows: %v", err)) // only strings, integers, booleans and times get here
	}
	return fmt.Sprintf("(SELECT %s FROM json_each(?)) AS r", strings.Join(fields, ", ")), []any{string(document)}
}

// isAnyOf is the condition that a column equals one of the values.
func isAnyOf(tx *gorm.DB, column string, values []string) clause.Expression {
	if isPostgres(tx) {
		return clause.Expr{SQL: column + " = ANY(?)", Vars: []any{&values}}
	}
	return clause.Expr{SQL: column + " IN (SELECT value FROM json_each(?))", Vars: []any{*jsonOrNull(&values)}}
}

// lockRows locks the accounts that a query reads, in the order in which it
// reads them. On SQLite the transaction is the lock.
func lockRows(tx *gorm.DB) string {
	if isPostgres(tx) {
		return " FOR NO KEY UPDATE OF a"
	}
	return ""
}
