package openapi_test

import (
	"testing"

	"github.com/pb33f/go-yaml"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi-validator/schema_validation"
	"github.com/pb33f/libopenapi/datamodel/high/base"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"

	"hourbank/openapi/openapitest"
)

func TestTheDocumentIsValidOpenAPI31(t *testing.T) {
	t.Parallel()
	document, err := openapitest.Document()
	if err != nil {
		t.Fatal(err)
	}
	if version := document.GetVersion(); version != "3.1.0" {
		t.Errorf("it says that it is OpenAPI %s", version)
	}
	v, mistakes := validator.NewValidator(document)
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	_, found := v.ValidateDocument()
	for _, mistake := range found {
		t.Errorf("%s", mistake)
	}
}

func TestEveryExampleIsWhatItsSchemaSays(t *testing.T) {
	t.Parallel()
	document, err := openapitest.Document()
	if err != nil {
		t.Fatal(err)
	}
	model, err := document.BuildV3Model()
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range model.Model.Paths.PathItems.FromOldest() {
		for method, operation := range item.GetOperations().FromOldest() {
			at := method + " " + path
			for _, p := range append(append([]*v3.Parameter(nil), item.Parameters...), operation.Parameters...) {
				check(t, at+", "+p.Name, p.Schema, p.Example)
			}
			if operation.RequestBody != nil {
				checkMedia(t, at, operation.RequestBody.Content.GetOrZero("application/json"))
			}
			for status, response := range operation.Responses.Codes.FromOldest() {
				for _, media := range response.Content.FromOldest() {
					checkMedia(t, at+", "+status, media)
				}
			}
		}
	}
}

func checkMedia(t *testing.T, at string, media *v3.MediaType) {
	t.Helper()
	if media == nil || (media.Example == nil && media.Examples.Len() == 0) {
		t.Errorf("%s: no example", at)
		return
	}
	if media.Example != nil {
		check(t, at, media.Schema, media.Example)
	}
	for name, example := range media.Examples.FromOldest() {
		check(t, at+", "+name, media.Schema, example.Value)
	}
}

func check(t *testing.T, at string, schema *base.SchemaProxy, example *yaml.Node) {
	t.Helper()
	var value any
	if example == nil {
		t.Errorf("%s: no example", at)
	} else if err := example.Decode(&value); err != nil {
		t.Errorf("%s: %v", at, err)
	}
	v := schema_validation.NewSchemaValidator(config.WithFormatAssertions())
	_, mistakes := v.ValidateSchemaObject(schema.Schema(), value)
	for _, mistake := range mistakes {
		t.Errorf("%s: %s", at, mistake)
	}
}
