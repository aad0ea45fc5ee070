package openapi

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// TypeOf says what a schema is.
func (v view) TypeOf(s Schema) []span { return v.typeOf(s) }

// typeOf says it in words, with links to what is described elsewhere.
func (d *Document) typeOf(s Schema) []span {
	switch {
	case s.Ref == "#/components/schemas/PathText":
		return []span{{Text: "text"}}
	case s.Ref != "":
		name := refName(s.Ref)
		return []span{{Text: name, Link: "#schema-" + name}}
	case len(s.AnyOf) > 0:
		var spans []span
		for i, one := range s.AnyOf {
			if i > 0 {
				spans = append(spans, span{Text: " or "})
			}
			spans = append(spans, d.typeOf(one)...)
		}
		return spans
	case s.Items != nil:
		return append([]span{{Text: "list of "}}, d.typeOf(*s.Items)...)
	case s.Const != nil:
		return []span{{Text: fmt.Sprintf("%q", s.Const), Code: true}}
	case len(s.Enum) > 0:
		return []span{{Text: strings.Trim(fmt.Sprintf("%q", s.Enum), "[]"), Code: true}}
	}
	return []span{{Text: scalar(s)}}
}

func scalar(s Schema) string {
	name := fmt.Sprint(s.Type)
	if several, ok := s.Type.([]any); ok {
		name = strings.Join(strings.Fields(strings.Trim(fmt.Sprint(several), "[]")), " or ")
	}
	switch s.Format {
	case "date-time":
		name = strings.Replace(name, "string", "time", 1)
	case "uri":
		name = strings.Replace(name, "string", "address", 1)
	}
	return name
}

// span is a piece of text.
type span struct {
	Text, Link string
	Code, Bold bool
}

var markup = regexp.MustCompile("`[^`]+`|\\*\\*[^*]+\\*\\*")

// inline reads `code` and **bold**, which is all the Markdown that the
// document uses.
func inline(text string) []span {
	var spans []span
	for {
		at := markup.FindStringIndex(text)
		if at == nil {
			return append(spans, span{Text: text})
		}
		marked := text[at[0]:at[1]]
		spans = append(spans, span{Text: text[:at[0]]}, span{
			Text: strings.Trim(marked, "`*"), Code: marked[0] == '`', Bold: marked[0] == '*',
		})
		text = text[at[1]:]
	}
}

// prose splits text into paragraphs.
func prose(text string) [][]span {
	var paragraphs [][]span
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		if paragraph != "" {
			paragraphs = append(paragraphs, inline(paragraph))
		}
	}
	return paragraphs
}

// pretty shows JSON indented, and text as it is.
func pretty(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return strings.TrimSpace(text)
	}
	return indented(value)
}
