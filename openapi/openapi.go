// Package openapi holds the description of Hourbank's HTTP interface, and
// shows it to programs and to people. It knows nothing of the program: its
// tests are what compares the two.
package openapi

import (
	"bytes"
	_ "embed" // for the files below
	"fmt"
	"html/template"
	"sync"

	"github.com/goccy/go-yaml"
)

//go:embed openapi.yaml
var source []byte

//go:embed page.html
var pageSource string

//go:embed style.css
var style []byte

// JSON gives the document as programs read it.
var JSON = sync.OnceValues(func() ([]byte, error) {
	document, err := yaml.YAMLToJSON(source)
	if err != nil {
		return nil, fmt.Errorf("read openapi.yaml: %w", err)
	}
	return document, nil
})

// Page gives the document as a page of HTML.
var Page = sync.OnceValues(func() ([]byte, error) {
	document, err := Parse()
	if err != nil {
		return nil, err
	}
	page, err := template.New("page").Funcs(template.FuncMap{"prose": prose, "inline": inline}).Parse(pageSource)
	if err != nil {
		return nil, fmt.Errorf("parse page.html: %w", err)
	}
	var html bytes.Buffer
	if err := page.Execute(&html, newView(document)); err != nil {
		return nil, fmt.Errorf("render page.html: %w", err)
	}
	return html.Bytes(), nil
})

// Style gives the page's stylesheet.
func Style() []byte { return style }
