package openapi

import (
	"fmt"
	"slices"
)

// view is what the page shows.
type view struct {
	*Document
	Chapters []chapter
	Codes    []codeView
}

type chapter struct {
	Tag
	Operations []operationView
}

type operationView struct {
	*Operation
	Method, Path string
	Where        []parameters
	Body         *bodyView
	Answers      []answerView
	Refusals     []answerView
	Curl         []string
}

// parameters are those of one kind.
type parameters struct {
	Title string
	Rows  []row
}

// row is a parameter or a field.
type row struct {
	Name        string
	Type        []span
	Required    bool
	Description string
}

type bodyView struct {
	Description string
	Type        []span
	Forms       [][]row // the fields of each way to write it
	Examples    []exampleView
}

type exampleView struct{ Title, Text string }

type answerView struct {
	Status      string
	Description string
	Codes       []string
	MediaType   string
	Type        []span
	Examples    []exampleView
	Headers     []string
}

type codeView struct {
	Code, Status string
	Meaning      string
}

func newView(d *Document) view {
	v := view{Document: d, Codes: codesOf(d)}
	for _, tag := range d.Tags {
		v.Chapters = append(v.Chapters, chapter{Tag: tag})
	}
	for _, path := range d.Paths {
		for _, o := range path.Value.Operations() {
			shown := d.operation(o.Name, path.Name, path.Value.Parameters, o.Value)
			for i := range v.Chapters {
				if o.Value.Tags[0] == v.Chapters[i].Name {
					v.Chapters[i].Operations = append(v.Chapters[i].Operations, shown)
				}
			}
		}
	}
	return v
}

func (d *Document) operation(method, path string, common []Parameter, o *Operation) operationView {
	shown := operationView{Operation: o, Method: method, Path: path}
	var all []Parameter
	for _, p := range append(append([]Parameter(nil), common...), o.Parameters...) {
		all = append(all, d.Parameter(p))
	}
	for _, kind := range []struct{ in, title string }{{"path", "In the path"}, {"query", "In the query"}, {"header", "Headers"}} {
		var rows []row
		for _, p := range all {
			if p.In == kind.in {
				rows = append(rows, row{p.Name, d.typeOf(p.Schema), p.Required, p.Description})
			}
		}
		if len(rows) > 0 {
			shown.Where = append(shown.Where, parameters{kind.title, rows})
		}
	}
	shown.Body = d.body(o.RequestBody)
	for _, r := range o.Responses {
		answer := d.answer(r.Name, d.Response(r.Value))
		if answer.Codes == nil {
			shown.Answers = append(shown.Answers, answer)
		} else {
			shown.Refusals = append(shown.Refusals, answer)
		}
	}
	shown.Curl = d.curl(method, path, all, o)
	return shown
}

func (d *Document) body(b *Body) *bodyView {
	if b == nil {
		return nil
	}
	body := d.Body(*b)
	media := body.Content.Get("application/json")
	return &bodyView{body.Description, d.typeOf(media.Schema), d.forms(media.Schema), d.examples(media)}
}

// forms gives the fields of a body, or of each that it may be.
func (d *Document) forms(s Schema) [][]row {
	resolved := d.Schema(s)
	forms := [][]row{}
	for _, one := range resolved.OneOf {
		forms = append(forms, d.forms(one)...)
	}
	if rows := d.fields(resolved); len(rows) > 0 {
		forms = append(forms, rows)
	}
	return forms
}

func (d *Document) answer(status string, r Response) answerView {
	answer := answerView{Status: status, Description: r.Description, Codes: r.Codes()}
	for _, media := range r.Content {
		answer.MediaType, answer.Type = media.Name, d.typeOf(media.Value.Schema)
		answer.Examples = d.examples(media.Value)
	}
	for _, header := range r.Headers {
		if header.Name != "X-Request-Id" {
			answer.Headers = append(answer.Headers, header.Name)
		}
	}
	return answer
}

// examples shows a body's examples, those that are named and the one that
// isn't.
func (d *Document) examples(m Media) []exampleView {
	var shown []exampleView
	if m.Example != nil {
		shown = append(shown, exampleView{"", pretty(m.Example)})
	}
	for _, e := range m.Examples {
		value := e.Value
		if value.Ref != "" {
			value = d.Components.Examples[refName(value.Ref)]
		}
		shown = append(shown, exampleView{value.Summary, pretty(value.Value)})
	}
	return shown
}

// codesOf lists every error code with the status that it comes with, which
// is the same wherever it is answered.
func codesOf(d *Document) []codeView {
	statuses := map[string]string{"method_not_allowed": "405"} // of no operation
	for _, path := range d.Paths {
		for _, o := range path.Value.Operations() {
			for _, r := range o.Value.Responses {
				for _, code := range d.Response(r.Value).Codes() {
					statuses[code] = r.Name
				}
			}
		}
	}
	var codes []codeView
	for _, one := range d.Components.Schemas.Get("Code").OneOf {
		code := fmt.Sprint(one.Const)
		codes = append(codes, codeView{code, statuses[code], one.Description})
	}
	return codes
}

// Fields are an object's, those of its parts included.
func (v view) Fields(s Schema) []row { return v.fields(s) }

func (d *Document) fields(s Schema) []row {
	var rows []row
	for _, part := range s.AllOf {
		rows = append(rows, d.fields(d.Schema(part))...)
	}
	for _, p := range s.Properties {
		rows = append(rows, row{p.Name, d.typeOf(p.Value), slices.Contains(s.Required, p.Name), d.Schema(p.Value).Description})
	}
	return rows
}

// Words are the values that a schema allows, with what they mean.
func (v view) Words(s Schema) []row {
	var rows []row
	for _, one := range s.OneOf {
		if one.Const != nil {
			rows = append(rows, row{Name: fmt.Sprint(one.Const), Description: one.Description})
		}
	}
	return rows
}

// Choices are the schemas of which one applies.
func (v view) Choices(s Schema) [][]span {
	var choices [][]span
	for _, one := range s.OneOf {
		if one.Ref != "" {
			choices = append(choices, v.typeOf(one))
		}
	}
	return choices
}
