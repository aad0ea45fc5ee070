package exports

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hourbank/models"
)

// text writes what somebody chose or wrote. What a spreadsheet would take for a
// formula gets an apostrophe before it: a student's id must not be able to run
// anything on a bookkeeper's machine. Some cut a line at semicolons or tabs, so that
// each part counts as a cell.
func text[T ~string](value T) string {
	var safe strings.Builder
	for rest := string(value); rest != ""; {
		end := strings.IndexAny(rest, ";|\t\r\n") + 1
		if end == 0 {
			end = len(rest)
		}
		if isFormula(rest[:end]) {
			safe.WriteByte('\'')
		}
		safe.WriteString(rest[:end])
		rest = rest[end:]
	}
	return safe.String()
}

// isFormula says whether a spreadsheet may run the cell, which some trim and unquote
// first.
func isFormula(cell string) bool {
	cell = strings.TrimLeftFunc(cell, func(r rune) bool { return r == '"' || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
	first, _ := utf8.DecodeRuneInString(cell)
	return strings.ContainsRune("=+-@＝＋－＠", first)
}

// optional is text that may be missing.
func optional[T ~string](value *T) string {
	if value == nil {
		return ""
	}
	return text(*value)
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func yes(is bool) string { return strconv.FormatBool(is) }

// moment writes a time as RFC 3339 in UTC.
func moment(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func optionalMoment(t *time.Time) string {
	if t == nil {
		return ""
	}
	return moment(*t)
}

// amounts writes each amount twice: in minor units for programs, and as a
// decimal for people.
func amounts(currency string, minorUnits ...int64) []string {
	cells := make([]string, 0, 2*len(minorUnits))
	for _, amount := range minorUnits {
		cells = append(cells, number(amount), models.FormatDecimal(amount, currency))
	}
	return cells
}

// twice names the columns of amounts.
func twice(names ...string) []string {
	columns := make([]string, 0, 2*len(names))
	for _, name := range names {
		columns = append(columns, name, name+"_decimal")
	}
	return columns
}

func hours(values ...models.Hours) []string {
	cells := make([]string, len(values))
	for i, h := range values {
		cells[i] = h.String()
	}
	return cells
}
