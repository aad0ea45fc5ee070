package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// form is one level of form-encoded parameters. Stripe nests by brackets:
// metadata[k]=v, expand[]=a, line_items[0][price]=p.
//
// Reading never fails: the first mistake is kept, and end gives it once all
// has been read. A parameter that nobody read is a mistake too, as at Stripe.
type form struct {
	name    string // full name, such as "items[0][price]"
	value   string
	kids    map[string]*form
	order   []string // the kids' keys as they came
	read    bool
	mistake *error    // shared by all levels
	known   parameter // shared by all levels
}

// parameter tells whether Stripe's call takes a parameter of this name.
type parameter func(name string) bool

// Bounds of a form: a deep or wide one would take much more memory than its
// bytes. Stripe's own parameters nest at most five deep.
const (
	deepestParameter = 8
	mostParameters   = 1000
)

func newForm(values url.Values, known parameter) (*form, error) {
	f := &form{mistake: new(error), known: known}
	keys, count := make([]string, 0, len(values)), 0
	for key := range values {
		keys, count = append(keys, key), count+len(values[key])
		if strings.Count(key, "[") > deepestParameter {
			return nil, invalid("", "", "Invalid request: a parameter nests deeper than %d.", deepestParameter)
		}
	}
	if count > mostParameters {
		return nil, invalid("", "", "Invalid request: it has more than %d parameters.", mostParameters)
	}
	slices.Sort(keys) // elements of lists come by their number, if it is small
	for _, key := range keys {
		path := splitKey(key)
		for _, value := range values[key] {
			f.put(path, value)
		}
	}
	return f, nil
}

// readForm takes the parameters of the query and of the body.
func readForm(r *http.Request, known parameter) (*form, error) {
	if err := r.ParseForm(); err != nil {
		return nil, invalid("", "", "Invalid request: the body is not form-encoded.")
	}
	return newForm(r.Form, known)
}

// splitKey turns a[b][] into a, b and "".
func splitKey(key string) []string {
	name, rest, nested := strings.Cut(key, "[")
	if !nested {
		return []string{key}
	}
	return append([]string{name}, strings.Split(strings.TrimSuffix(rest, "]"), "][")...)
}

func (f *form) put(path []string, value string) {
	if len(path) == 0 {
		f.value = value
		return
	}
	key := path[0]
	if key == "" {
		key = f.element(path[1:])
	}
	f.kid(key).put(path[1:], value)
}

// element gives the key of the list element that "[]" means: the first that
// has no value at rest yet, else a new one.
func (f *form) element(rest []string) string {
	if len(rest) > 0 {
		for _, key := range f.order {
			if !f.taken(slices.Concat([]string{key}, rest)) {
				return key
			}
		}
	}
	return strconv.Itoa(len(f.order))
}

func (f *form) taken(path []string) bool {
	for _, key := range path {
		if f = f.kids[key]; f == nil {
			return false
		}
	}
	return true
}

func (f *form) kid(key string) *form {
	if kid, ok := f.kids[key]; ok {
		return kid
	}
	if f.kids == nil {
		f.kids = map[string]*form{}
	}
	name := key
	if f.name != "" {
		name = f.name + "[" + key + "]"
	}
	kid := &form{name: name, mistake: f.mistake, known: f.known}
	f.kids[key] = kid
	f.order = append(f.order, key)
	return kid
}

// fail keeps the first mistake.
func (f *form) fail(err error) {
	if *f.mistake == nil {
		*f.mistake = err
	}
}

// end gives the first mistake, or one about a parameter that nobody read:
// Stripe doesn't know it, or the sandbox does nothing with it.
func (f *form) end() error {
	for _, key := range f.order {
		kid := f.kids[key]
		switch {
		case kid == nil: // there is one for each
		case kid.read:
			_ = kid.end() // its mistake is ours
		case f.known(key):
			f.fail(invalid("", kid.name, "The sandbox does nothing with the parameter %s, so it does not take it.", kid.name))
		default:
			f.fail(invalid(codeUnknown, kid.name, "Received unknown parameter: %s", kid.name))
		}
	}
	return *f.mistake
}

// at gives the parameter, nil where it was not sent.
func (f *form) at(key string) *form {
	p := f.kids[key]
	if p != nil {
		p.read = true
	}
	return p
}

// fixed takes a parameter that may only be what the sandbox does anyway.
func (f *form) fixed(key string, values ...string) {
	if value := f.text(key); f.has(key) && !slices.Contains(values, strings.ToLower(value)) {
		f.fail(invalid("", f.full(key), "The sandbox takes %s only as %s.", f.full(key), strings.Join(values, " or ")))
	}
}

func (f *form) has(key string) bool { return f.at(key) != nil }

func (f *form) text(key string) string {
	if p := f.at(key); p != nil {
		return p.value
	}
	return ""
}

func (f *form) required(key string) string {
	value := f.text(key)
	if value == "" {
		f.missing(key)
	}
	return value
}

func (f *form) missing(key string) {
	f.fail(invalid(codeMissing, f.full(key), "Missing required param: %s.", f.full(key)))
}

func (f *form) full(key string) string {
	if f.name == "" {
		return key
	}
	return f.name + "[" + key + "]"
}

// number reads an integer, otherwise where it was not sent.
func (f *form) number(key string, otherwise int64) int64 {
	p := f.at(key)
	if p == nil {
		return otherwise
	}
	n, err := strconv.ParseInt(p.value, 10, 64)
	if err != nil {
		f.fail(invalid(codeInvalidInteger, p.name, "Invalid integer: %s", p.value))
	}
	return n
}

// flag reads a boolean, in any case: older clients send Python's True.
func (f *form) flag(key string, otherwise bool) bool {
	switch value := strings.ToLower(f.text(key)); value {
	case "":
		return otherwise
	case "true", "false":
		return value == "true"
	default:
		f.fail(invalid("", f.full(key), "Invalid boolean: %s", f.text(key)))
		return false
	}
}

// oneOf reads a choice; the usual one needs not be sent.
func (f *form) oneOf(key, usual string, others ...string) string {
	value := f.text(key)
	if value == "" {
		return usual
	}
	if choices := append([]string{usual}, others...); !slices.Contains(choices, value) {
		f.fail(invalid("", f.full(key), "Invalid %s: must be one of %s", f.full(key), strings.Join(choices, ", ")))
	}
	return value
}

// elements gives the forms of a list in their order.
func (f *form) elements(key string) (list []*form) {
	p := f.at(key)
	if p == nil {
		return nil
	}
	for _, k := range p.order {
		if element := p.at(k); element != nil {
			list = append(list, element)
		}
	}
	return list
}

// texts reads a list of strings, or a single one where Stripe takes both.
func (f *form) texts(key string) (values []string) {
	if p := f.at(key); p != nil && len(p.kids) == 0 && p.value != "" {
		return []string{p.value}
	}
	for _, element := range f.elements(key) {
		values = append(values, element.value)
	}
	return values
}

// tree gives a parameter as JSON would have it, nil where it was not sent.
func (f *form) tree(key string) any {
	if p := f.at(key); p != nil {
		return p.plain()
	}
	return nil
}

func (f *form) plain() any {
	f.read = true
	if len(f.kids) == 0 {
		return nullString(f.value)
	}
	m := make(map[string]any, len(f.kids))
	for key, kid := range f.kids {
		m[key] = kid.plain()
	}
	return m
}

// metadata gives old with what was sent put in: an empty value takes a key
// away, an empty metadata all of them. Bounds: 50 keys of 40 characters with
// values of 500, https://docs.stripe.com/api/metadata.
func (f *form) metadata(old map[string]string) map[string]string {
	merged := map[string]string{}
	p := f.at("metadata")
	if p == nil || len(p.kids) > 0 {
		for k, v := range old {
			merged[k] = v
		}
	}
	if p == nil {
		return merged
	}
	for k, kid := range p.kids {
		kid.read = true
		switch {
		case len(k) > 40 || len(kid.value) > 500:
			f.fail(invalid("", kid.name, "Metadata keys can have up to 40 characters and values up to 500."))
		case kid.value == "":
			delete(merged, k)
		default:
			merged[k] = kid.value
		}
	}
	if len(merged) > 50 {
		f.fail(invalid("", "metadata", "You can have up to 50 metadata keys; you have %d.", len(merged)))
	}
	return merged
}
