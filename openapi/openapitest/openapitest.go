// Package openapitest checks exchanges with Hourbank against its OpenAPI
// document, for the tests of whoever speaks HTTP with it.
package openapitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi-validator/errors"
	"github.com/pb33f/libopenapi-validator/schema_validation"
	"github.com/pb33f/libopenapi/datamodel/high/base"
	"github.com/tidwall/gjson"

	"hourbank/openapi"
)

// Document reads the document as the validator has it.
func Document() (libopenapi.Document, error) {
	source, err := openapi.JSON()
	if err != nil {
		return nil, err
	}
	return libopenapi.NewDocument(source)
}

// checker is the document, ready to check with.
type checker struct {
	strict  validator.Validator // of answers: a field that is not described fails, too
	lenient validator.Validator // of requests, whose schemas are closed, or Stripe's
	values  schema_validation.SchemaValidator
	problem *base.Schema
}

// load reads the document once for all tests.
var load = sync.OnceValues(func() (*checker, error) {
	document, err := Document()
	if err != nil {
		return nil, err
	}
	model, err := document.BuildV3Model()
	if err != nil {
		return nil, fmt.Errorf("read the document: %w", err)
	}
	asserted := config.WithFormatAssertions()
	return &checker{
		strict: validator.NewValidatorFromV3Model(&model.Model, asserted, config.WithStrictMode(),
			config.WithStrictIgnorePaths("$.body.payload.**", "$.body.metadata.**", "$.body.data[*].metadata.**"), // anyone's
			config.WithStrictIgnoredHeadersExtra("X-Request-Id", "Retry-After", "Referrer-Policy", "Content-Security-Policy", "X-Content-Type-Options")),
		lenient: validator.NewValidatorFromV3Model(&model.Model, asserted),
		values:  schema_validation.NewSchemaValidator(asserted),
		problem: model.Model.Components.Schemas.GetOrZero("Problem").Schema(),
	}, nil
})

// Check fails the test where an exchange is not as the document says. The
// answer must always be; the request only where it was granted, because tests
// make mistakes on purpose. Pages of the console are not in the document.
func Check(tb testing.TB, request *http.Request, requestBody []byte, response *http.Response, responseBody []byte) {
	tb.Helper()
	c, err := load()
	if err != nil {
		tb.Fatal(err)
	}
	if strings.HasPrefix(request.URL.Path, "/console") {
		return
	}
	for _, mistake := range c.mistakes(request, requestBody, response, responseBody) {
		tb.Errorf("%s %s, answered %d, is not as openapi.yaml says: %s\n%.500s",
			request.Method, request.URL.Path, response.StatusCode, mistake, responseBody)
	}
}

// Described says whether a request is as the document says, but for what no
// schema can say.
func Described(tb testing.TB, request *http.Request, body []byte) bool {
	tb.Helper()
	c, err := load()
	if err != nil {
		tb.Fatal(err)
	}
	valid, _ := c.lenient.ValidateHttpRequestSync(documented(request, body))
	return valid
}

func (c *checker) mistakes(request *http.Request, requestBody []byte, response *http.Response, responseBody []byte) []string {
	if strings.Contains(request.URL.EscapedPath(), "//") { // which the validator would read as one
		return c.refused(http.StatusNotFound, response, responseBody)
	}
	if unreadable(responseBody) {
		return nil
	}
	asked := documented(request, requestBody)
	answered := *response
	answered.Body = io.NopCloser(bytes.NewReader(responseBody))
	check := c.strict
	if strings.HasPrefix(request.URL.Path, "/openapi.json") { // of which hardly a field is described
		check = c.lenient
	}
	if request.Method == http.MethodHead { // which is GET without the body
		asked.Method = http.MethodGet
		_, found := check.ValidateHttpResponse(asked, &answered)
		if status, unknown := refusal(found); unknown {
			return c.refused(status, response, responseBody)
		}
		return nil
	}
	_, found := check.ValidateHttpResponse(asked, &answered)
	if status, unknown := refusal(found); unknown {
		return c.refused(status, response, responseBody)
	}
	if response.StatusCode < http.StatusBadRequest && !unreadable(requestBody) {
		_, more := c.lenient.ValidateHttpRequestSync(documented(request, requestBody))
		found = append(found, more...)
	}
	var told []string
	for _, one := range found {
		told = append(told, explain(one))
	}
	return told
}

// unreadable says that a body is JSON, but nested deeper or with larger
// numbers than encoding/json takes, as events are that test just that.
func unreadable(body []byte) bool {
	var value any
	return gjson.ValidBytes(body) && json.Unmarshal(body, &value) != nil
}

// refusal says whether the document lacks the address or the method, and
// what must be answered then.
func refusal(found []*errors.ValidationError) (status int, unknown bool) {
	for _, one := range found {
		switch {
		case one.IsPathMissingError():
			return http.StatusNotFound, true
		case one.IsOperationMissingError():
			return http.StatusMethodNotAllowed, true
		}
	}
	return 0, false
}

// refused checks the answer of an address or method that is not described.
func (c *checker) refused(status int, response *http.Response, body []byte) []string {
	var told []string
	// Whatever the address, it may hold what no address may.
	if response.StatusCode != status && response.StatusCode != http.StatusBadRequest {
		told = append(told, fmt.Sprintf("nothing is described here, which is a %d", status))
	}
	if status == http.StatusMethodNotAllowed && response.Header.Get("Allow") == "" && response.StatusCode == status {
		told = append(told, "no Allow")
	}
	if got := response.Header.Get("Content-Type"); got != "application/problem+json" {
		told = append(told, "a refusal in "+got)
	}
	if _, found := c.values.ValidateSchemaBytes(c.problem, body); response.Request == nil || response.Request.Method != http.MethodHead {
		for _, one := range found {
			told = append(told, explain(one))
		}
	}
	return told
}

// documented is the request as the document writes it: every address answers
// with and without its trailing slash, but is described once; a body is JSON,
// whatever it says of itself; and an empty parameter is as one left out, which
// allowEmptyValue says and the validator doesn't know.
func documented(request *http.Request, body []byte) *http.Request {
	asked := request.Clone(request.Context())
	asked.Body = io.NopCloser(bytes.NewReader(body))
	asked.ContentLength = int64(len(body))
	if len(body) > 0 {
		asked.Header.Set("Content-Type", "application/json")
	}
	asked.URL.Path, asked.URL.RawPath = slashed(asked.URL.Path), slashed(asked.URL.RawPath)
	asked.URL.RawQuery = emptyParameter.ReplaceAllString(asked.URL.RawQuery, "")
	return asked
}

var emptyParameter = regexp.MustCompile(`\b[a-z_]+=(&|$)`)

func slashed(path string) string {
	trimmed := strings.TrimSuffix(path, "/")
	if strings.HasPrefix(path, "/api/") {
		return trimmed + "/"
	}
	return trimmed
}

func explain(found *errors.ValidationError) string {
	told := found.Message + ": " + found.Reason
	for _, one := range found.SchemaValidationErrors {
		told += "; " + one.FieldPath + " " + one.Reason
	}
	return told
}
