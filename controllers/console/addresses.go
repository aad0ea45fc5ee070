package console

import (
	"html/template"
	"strings"

	"hourbank/services/accounting"
)

// addresses are what the templates find pages with, beside the words that they say
// things with.
var addresses = template.FuncMap{
	"ours":      func(reference *string) bool { return strings.HasPrefix(*reference, onceReference) },
	"period":    writePeriod,
	"csv":       csvAddress,
	"statement": func(p accounting.Period) string { return "/console/statement/?" + p.Query().Encode() },
	"student":   studentAddress,
	"purchase":  purchaseAddress,
	"event":     eventAddress,
	"case":      caseAddress,
	"delivery":  deliveryAddress,
	"studentOf": studentOf,
	"subject":   subjectAddress,
}
