package openapi_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hourbank/controllers"
	"hourbank/models"
	"hourbank/openapi"
	"hourbank/routes"
	"hourbank/services/ingest"
	"hourbank/services/paging"
	"hourbank/services/sales"
	"hourbank/services/stripe"
)

func parse(t *testing.T) *openapi.Document {
	t.Helper()
	document, err := openapi.Parse()
	if err != nil {
		t.Fatal(err)
	}
	return document
}

var pathParameter = regexp.MustCompile(`:(\w+)`)

func TestEveryRouteIsDescribedAndNothingElse(t *testing.T) {
	t.Parallel()
	var served, described []string
	for _, route := range routes.Table(&controllers.Controllers{}) {
		served = append(served, fmt.Sprintf("%s %s (%s)", route.Method, pathParameter.ReplaceAllString(route.Path, "{$1}"), route.Role))
	}
	for _, path := range parse(t).Paths {
		for _, operation := range path.Value.Operations() {
			described = append(described, fmt.Sprintf("%s %s (%s)", operation.Name, path.Name, operation.Value.Role()))
		}
	}
	same(t, "routes", described, served)
}

func TestEveryOperationIsWhole(t *testing.T) {
	t.Parallel()
	document := parse(t)
	ids := map[string]bool{}
	for _, path := range document.Paths {
		for _, operation := range path.Value.Operations() {
			o, at := operation.Value, operation.Name+" "+path.Name
			if o.ID == "" || ids[o.ID] || o.Summary == "" || len(o.Tags) != 1 || o.Security == nil {
				t.Errorf("%s needs an operationId of its own, a summary, one tag and its security", at)
			}
			ids[o.ID] = true
			var wanted, got []string
			for _, name := range regexp.MustCompile(`{(\w+)}`).FindAllStringSubmatch(path.Name, -1) {
				wanted = append(wanted, name[1])
			}
			for _, p := range append(path.Value.Parameters, o.Parameters...) {
				if p = document.Parameter(p); p.In == "path" {
					got = append(got, p.Name)
				}
			}
			same(t, at, got, wanted)
			checkRefusals(t, document, at, o)
		}
	}
}

// checkRefusals wants every status with the codes that stand for it, and the
// refusals that no operation can be without.
func checkRefusals(t *testing.T, document *openapi.Document, at string, o *openapi.Operation) {
	t.Helper()
	var codes []string
	for _, answer := range o.Responses {
		response := document.Response(answer.Value)
		if !slices.ContainsFunc(response.Headers, func(h openapi.Member[openapi.Header]) bool { return h.Name == "X-Request-Id" }) {
			t.Errorf("%s: %s without X-Request-Id", at, answer.Name)
		}
		if len(response.Codes()) == 0 && answer.Name >= "400" {
			t.Errorf("%s: %s without a code", at, answer.Name)
		}
		for _, code := range response.Codes() {
			codes = append(codes, code)
			if status := controllers.StatusOf(models.Code(code)); strconv.Itoa(status) != answer.Name {
				t.Errorf("%s: %s stands for %d, not %s", at, code, status, answer.Name)
			}
		}
	}
	wanted := []string{"invalid_request", "internal_error"}
	if role := o.Role(); role != "public" {
		wanted = append(wanted, "unauthorized", "too_many_attempts", "unavailable")
		if role != "read" {
			wanted = append(wanted, "forbidden")
		}
	}
	if o.RequestBody != nil {
		wanted = append(wanted, "payload_too_large")
	}
	for _, code := range wanted {
		if !slices.Contains(codes, code) {
			t.Errorf("%s: no %s among %v", at, code, codes)
		}
	}
}

func TestWordsAreThoseOfTheCode(t *testing.T) {
	t.Parallel()
	document := parse(t)
	for schema, words := range map[string][]string{
		"Code":            constants(t, "../models/error.go", "Code"),
		"PaymentStatus":   constants(t, "../models/money/status.go", "PaymentStatus"),
		"EventStatus":     constants(t, "../models/status.go", "EventStatus"),
		"TransactionType": constants(t, "../models/status.go", "TransactionType"),
		"Reason":          append(constants(t, "../models/status.go", "Reason"), caseReasons()...),
		"CaseKind":        constants(t, "../models/money/cases.go", "CaseKind"),
		"EntryKind":       constants(t, "../models/status.go", "EntryKind"),
	} {
		var described []string
		for _, one := range document.Components.Schemas.Get(schema).OneOf {
			described = append(described, fmt.Sprint(one.Const))
		}
		same(t, schema, described, words)
	}
}

// caseReasons are the cases that an event may open. Hours that were used may
// take an account below zero, but no event tells of that; nor that the platform was
// not told.
func caseReasons() []string {
	var reasons []string
	for _, kind := range models.CaseKinds {
		if kind != models.CaseOverdrawn && kind != models.CaseUndelivered {
			reasons = append(reasons, string(kind))
		}
	}
	return reasons
}

// constants reads the values of a type's constants, but for the empty one.
func constants(t *testing.T, path, typeName string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); ok && name.Name == typeName && len(spec.Values) == 1 {
			if value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value); err == nil && value != "" {
				values = append(values, value)
			}
		}
		return false
	})
	if len(values) == 0 {
		t.Errorf("%s has no constants of the type %s", path, typeName)
	}
	return values
}

func TestSchemasAreTheTypesThatAreAnswered(t *testing.T) {
	t.Parallel()
	for schema, value := range map[string]any{
		"Purchase": models.Purchase{}, "Failure": models.Failure{}, "Account": models.Account{},
		"LedgerEntry": models.LedgerEntry{}, "Plan": models.Plan{}, "Event": models.WebhookEvent{},
		"Outcome": ingest.Outcome{}, "Sale": sales.Sale{}, "Booking": sales.Booking{},
		"RefundRequested": sales.RefundRequested{}, "PaymentRefund": sales.PaymentRefund{}, "RefundRequest": models.RefundRequest{}, "Case": models.Case{},
		"PurchaseDetail": sales.PurchaseDetail{}, "Payment": sales.Payment{}, "CasePage": paging.Page[models.Case]{}, "PurchasePage": paging.Page[models.Purchase]{},
		"AccountPage": paging.Page[models.Account]{}, "LedgerPage": paging.Page[models.LedgerEntry]{}, "EventPage": paging.Page[models.WebhookEvent]{},
	} {
		document := parse(t)
		same(t, schema, describedFields(document, document.Components.Schemas.Get(schema)), goFields(reflect.TypeOf(value)))
	}
}

func TestRequestsAreTheTypesThatAreRead(t *testing.T) {
	t.Parallel()
	document := parse(t)
	for _, request := range []struct {
		value   any
		schemas []string
	}{
		{sales.Order{}, []string{"PlanOrder", "TermsOrder"}},
		{sales.RefundOrder{}, []string{"AmountRefund", "HoursRefund", "UnusedRefund"}},
		{stripe.CheckoutURLs{}, []string{"CheckoutURLs"}},
	} {
		var described, read []string
		for _, schema := range request.schemas {
			for _, property := range document.Components.Schemas.Get(schema).Properties {
				described = append(described, property.Name)
			}
		}
		for field := range reflect.TypeOf(request.value).Fields() {
			read = append(read, field.Tag.Get("json"))
		}
		same(t, fmt.Sprint(request.schemas), described, read)
	}
}

// describedFields lists "name type", with "?" where it may be absent and
// "|null" where it may be null.
func describedFields(d *openapi.Document, s openapi.Schema) []string {
	var fields []string
	for _, part := range s.AllOf {
		fields = append(fields, describedFields(d, d.Schema(part))...)
	}
	for _, property := range s.Properties {
		field := property.Name + " " + describedType(d, property.Value)
		if !slices.Contains(s.Required, property.Name) {
			field += "?"
		}
		fields = append(fields, field)
	}
	return fields
}

func describedType(d *openapi.Document, s openapi.Schema) string {
	if len(s.AnyOf) == 2 {
		return describedType(d, s.AnyOf[0]) + "|null"
	}
	if name := s.Ref[strings.LastIndex(s.Ref, "/")+1:]; name == "Hours" {
		return "hours"
	}
	resolved := d.Schema(s)
	name := "string" // what oneOf words are
	if types, ok := resolved.Type.([]any); ok {
		name = fmt.Sprintf("%v|%v", types...)
	} else if resolved.Type != nil {
		name = fmt.Sprint(resolved.Type)
	}
	if resolved.Format == "date-time" {
		name = strings.Replace(name, "string", "time", 1)
	}
	return name
}

// goFields says the same of a Go type.
func goFields(t reflect.Type) []string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var fields []string
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-":
		case field.Anonymous:
			fields = append(fields, goFields(field.Type)...)
		case options == "omitempty":
			fields = append(fields, name+" "+strings.TrimSuffix(goType(field.Type), "|null")+"?")
		default:
			fields = append(fields, name+" "+goType(field.Type))
		}
	}
	return fields
}

func goType(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[*models.Account]():
		return "object" // always there
	case t.Kind() == reflect.Pointer:
		return goType(t.Elem()) + "|null"
	case t == reflect.TypeFor[models.Hours]():
		return "hours"
	case t.String() == "time.Time":
		return "time"
	}
	switch kind := t.Kind(); kind {
	case reflect.Int, reflect.Int64:
		return "integer"
	case reflect.Bool:
		return "boolean"
	case reflect.Struct, reflect.Map:
		return "object"
	case reflect.Slice:
		return "array"
	default:
		return kind.String()
	}
}

// same compares two sets.
func same(t *testing.T, what string, described, real []string) {
	t.Helper()
	for _, one := range described {
		if !slices.Contains(real, one) {
			t.Errorf("%s: openapi.yaml describes %q, which is not so", what, one)
		}
	}
	for _, one := range real {
		if !slices.Contains(described, one) {
			t.Errorf("%s: openapi.yaml does not describe %q", what, one)
		}
	}
}
