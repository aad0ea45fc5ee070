package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Document is as much of an OpenAPI document as ours uses.
type Document struct {
	Info struct {
		Title, Version, Summary, Description string
	}
	Tags       []Tag
	Paths      Ordered[PathItem]
	Components Components
}

// Tag is a chapter.
type Tag struct{ Name, Description string }

// Components are what is described once and referred to.
type Components struct {
	SecuritySchemes Ordered[SecurityScheme] `json:"securitySchemes"`
	Parameters      map[string]Parameter
	Headers         map[string]Header
	RequestBodies   map[string]Body `json:"requestBodies"`
	Responses       map[string]Response
	Schemas         Ordered[Schema]
	Examples        map[string]Example
}

// PathItem is what one address takes.
type PathItem struct {
	Parameters                    []Parameter
	Get, Post, Put, Patch, Delete *Operation
}

// Operations gives the path's operations by method.
func (p PathItem) Operations() Ordered[*Operation] {
	var operations Ordered[*Operation]
	for _, o := range []Member[*Operation]{{"GET", p.Get}, {"POST", p.Post}, {"PUT", p.Put}, {"PATCH", p.Patch}, {"DELETE", p.Delete}} {
		if o.Value != nil {
			operations = append(operations, o)
		}
	}
	return operations
}

// Operation is one method of one address.
type Operation struct {
	ID                   string `json:"operationId"`
	Tags                 []string
	Summary, Description string
	Security             []map[string][]string
	Parameters           []Parameter
	RequestBody          *Body `json:"requestBody"`
	Responses            Ordered[Response]
}

// Role is the role that a key needs, or "public".
func (o *Operation) Role() string {
	for _, requirement := range o.Security {
		if roles := requirement["ApiKey"]; len(roles) == 1 {
			return roles[0]
		}
	}
	return "public"
}

// SecurityScheme is a way of proving who asks.
type SecurityScheme struct{ Type, In, Name, Scheme, Description string }

// Parameter is a part of the address, or a header.
type Parameter struct {
	Ref         string `json:"$ref"`
	Name, In    string
	Required    bool
	Description string
	Schema      Schema
	Example     json.RawMessage
}

// Header is one of an answer.
type Header struct {
	Ref         string `json:"$ref"`
	Description string
}

// Body is a request's.
type Body struct {
	Ref         string `json:"$ref"`
	Description string
	Required    bool
	Content     Ordered[Media]
}

// Response is an answer.
type Response struct {
	Ref         string `json:"$ref"`
	Description string
	Headers     Ordered[Header]
	Content     Ordered[Media]
}

// Media is a body in one format.
type Media struct {
	Schema   Schema
	Example  json.RawMessage
	Examples Ordered[Example]
}

// Example is a value as it may be.
type Example struct {
	Ref     string `json:"$ref"`
	Summary string
	Value   json.RawMessage
}

// Schema describes a value.
type Schema struct {
	Ref                  string `json:"$ref"`
	Type                 any    // a name, or several
	Format               string
	Description          string
	Const                any
	Enum                 []any
	Default              any
	Minimum              any
	Maximum              any
	MinLength            int `json:"minLength"`
	MaxLength            int `json:"maxLength"`
	Pattern              string
	Required             []string
	Properties           Ordered[Schema]
	AdditionalProperties any `json:"additionalProperties"`
	Items                *Schema
	AllOf                []Schema `json:"allOf"`
	AnyOf                []Schema `json:"anyOf"`
	OneOf                []Schema `json:"oneOf"`
}

// Member is a name and what it stands for.
type Member[V any] struct {
	Name  string
	Value V
}

// Ordered is a mapping in the order in which it is written.
type Ordered[V any] []Member[V]

// UnmarshalJSON reads the members one by one.
func (o *Ordered[V]) UnmarshalJSON(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if _, err := decoder.Token(); err != nil { // the opening brace
		return err
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return err
		}
		member := Member[V]{Name: fmt.Sprint(name)}
		if err := decoder.Decode(&member.Value); err != nil {
			return fmt.Errorf("%s: %w", member.Name, err)
		}
		*o = append(*o, member)
	}
	return nil
}

// Get gives what a name stands for, or nothing.
func (o Ordered[V]) Get(name string) (value V) {
	for _, member := range o {
		if member.Name == name {
			return member.Value
		}
	}
	return value
}

// Parse reads the document.
func Parse() (*Document, error) {
	source, err := JSON()
	if err != nil {
		return nil, err
	}
	var document Document
	if err := json.Unmarshal(source, &document); err != nil {
		return nil, fmt.Errorf("read openapi.yaml: %w", err)
	}
	return &document, nil
}

// refName is the last part of a reference.
func refName(ref string) string { return ref[strings.LastIndex(ref, "/")+1:] }

// Parameter gives what a parameter refers to, or itself.
func (d *Document) Parameter(p Parameter) Parameter {
	if p.Ref != "" {
		return d.Components.Parameters[refName(p.Ref)]
	}
	return p
}

// Body gives what a body refers to, or itself.
func (d *Document) Body(b Body) Body {
	if b.Ref != "" {
		return d.Components.RequestBodies[refName(b.Ref)]
	}
	return b
}

// Response gives what a response refers to, or itself.
func (d *Document) Response(r Response) Response {
	if r.Ref != "" {
		return d.Components.Responses[refName(r.Ref)]
	}
	return r
}

// Schema gives what a schema refers to, or itself. What stands beside the
// reference wins.
func (d *Document) Schema(s Schema) Schema {
	if s.Ref == "" {
		return s
	}
	target := d.Components.Schemas.Get(refName(s.Ref))
	if s.Description != "" {
		target.Description = s.Description
	}
	return target
}

// Codes are the error codes that a response may carry.
func (r Response) Codes() []string {
	var codes []string
	for _, part := range r.Content.Get("application/problem+json").Schema.AllOf {
		for _, code := range part.Properties.Get("code").Enum {
			codes = append(codes, fmt.Sprint(code))
		}
	}
	return codes
}
