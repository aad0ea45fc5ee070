package database

import (
	"regexp"
	"strings"
	"unicode"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Contains is the condition that a column has the text in it, in any case of
// any alphabet. Both engines compare Latin letters quickly in any case, and no
// others: a text that has some is spelt out, each letter in all of its cases.
func Contains(tx *gorm.DB, column, text string) clause.Expression {
	switch latin := !strings.ContainsFunc(text, func(letter rune) bool { return letter > unicode.MaxASCII }); {
	case latin && IsPostgres(tx):
		return gorm.Expr(column+` ILIKE ? ESCAPE '\'`, "%"+LikeEscapes.Replace(text)+"%")
	case latin:
		return gorm.Expr(column+` LIKE ? ESCAPE '\'`, "%"+LikeEscapes.Replace(text)+"%")
	case IsPostgres(tx):
		return gorm.Expr(column+" ~ ?", inAnyCase(text, regexp.QuoteMeta))
	default:
		return gorm.Expr(column+" GLOB ?", "*"+inAnyCase(text, quoteGlob)+"*")
	}
}

// LikeEscapes makes of a text a pattern of LIKE that only it matches.
var LikeEscapes = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// inAnyCase is a pattern of the text, in which quote makes of what has no case
// what stands for itself.
func inAnyCase(text string, quote func(string) string) string {
	var pattern strings.Builder
	for _, letter := range text {
		cases := string(letter)
		for other := unicode.SimpleFold(letter); other != letter; other = unicode.SimpleFold(other) {
			cases += string(other)
		}
		if cases == string(letter) {
			pattern.WriteString(quote(cases))
		} else {
			pattern.WriteString("[" + cases + "]")
		}
	}
	return pattern.String()
}

func quoteGlob(character string) string {
	switch character {
	case "*", "?", "[":
		return "[" + character + "]"
	}
	return character
}
