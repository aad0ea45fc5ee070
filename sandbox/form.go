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
	read    map[string]bool
	mistake *error // shared by all levels
}

func newForm(values url.Values) *form {
	f := &form{mistake: new(error)}
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	slices.Sort(keys) // elements of lists come by their number, if it is small
	for _, key := range keys {
		path := splitKey(key)
		for _, value := range values[key] {
			f.put(path, value)
		}
	}
	return f
}

// readForm takes the parameters of the query and of the body.
func readForm(r *http.Request) (*form, error) {
	if err := r.ParseForm(); err != nil {
		return nil, invalid("", "", "Invalid request: the body is not form-encoded.")
	}
	return newForm(r.Form), nil
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
	kid := &form{name: name, mistake: f.mistake}
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

// end gives the first mistake, or one about a parameter that nobody read.
func (f *form) end() error {
	for _, key := range f.order {
		if !f.read[key] {
			f.fail(invalid(codeUnknown, key, "Received unknown parameter: %s", key))
		}
	}
	return *f.mistake
}

// ignore accepts parameters that change nothing here.
func (f *form) ignore(keys ...string) {
	if f.read == nil {
		f.read = map[string]bool{}
	}
	for _, key := range keys {
		f.read[key] = true
	}
}

// at gives the parameter, nil where it was not sent.
func (f *form) at(key string) *form {
	f.ignore(key)
	return f.kids[key]
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
		f.fail(invalid(codeMissing, f.full(key), "Missing required param: %s.", f.full(key)))
	}
	return value
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

func (f *form) flag(key string) bool {
	p := f.at(key)
	if p == nil || p.value == "" || p.value == "false" {
		return false
	}
	if p.value != "true" {
		f.fail(invalid("", p.name, "Invalid boolean: %s", p.value))
	}
	return true
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
		list = append(list, p.kids[k])
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
