package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// curl shows how to call an operation from a shell that knows $HOURBANK and
// $KEY, one argument a line.
func (d *Document) curl(method, path string, all []Parameter, o *Operation) []string {
	query := ""
	var headers []string
	for _, p := range all {
		value := text(p.Example)
		switch p.In {
		case "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(value))
		case "header":
			headers = append(headers, p.Name+": "+value)
		case "query":
			if p.Name != "cursor" { // an example of one would be refused
				query += "&" + p.Name + "=" + url.QueryEscape(value)
			}
		}
	}
	if query != "" {
		path += "?" + query[1:]
	}
	lines := []string{fmt.Sprintf(`curl "$HOURBANK%s"`, path)}
	if method == "DELETE" || (method == "POST" && o.RequestBody == nil) {
		lines[0] = fmt.Sprintf(`curl -X %s "$HOURBANK%s"`, method, path)
	}
	for _, header := range append(d.credentials(o), headers...) {
		lines = append(lines, fmt.Sprintf("-H %q", header))
	}
	return append(lines, d.data(o)...)
}

// credentials are the headers that prove who asks.
func (d *Document) credentials(o *Operation) []string {
	var headers []string
	for _, requirement := range o.Security {
		for name := range requirement {
			switch scheme := d.Components.SecuritySchemes.Get(name); scheme.Type {
			case "http":
				headers = append(headers, "Authorization: Bearer $KEY")
			case "apiKey":
				headers = append(headers, scheme.Name+": $SIGNATURE")
			}
		}
	}
	return headers
}

// data is the first example of a body.
func (d *Document) data(o *Operation) []string {
	if o.RequestBody == nil {
		return nil
	}
	var body bytes.Buffer
	for _, example := range d.Body(*o.RequestBody).Content.Get("application/json").Examples[:1] {
		if err := json.Compact(&body, example.Value.Value); err != nil {
			return nil
		}
	}
	return []string{
		`-H "Content-Type: application/json"`,
		"-d '" + strings.ReplaceAll(body.String(), "'", `'\''`) + "'",
	}
}

// text is a value as an address or a header has it.
func text(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	return string(value)
}

// indented is JSON for people, with short objects kept on a line.
func indented(value json.RawMessage) string {
	var b bytes.Buffer
	if err := json.Indent(&b, value, "", "  "); err != nil {
		return string(value)
	}
	return b.String()
}
