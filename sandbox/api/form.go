package api

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Form is one level of form-encoded parameters. Stripe nests by brackets:
// metadata[k]=v, expand[]=a, line_items[0][price]=p.
//
// Reading never fails: the first mistake is kept, and End gives it once all
// has been read. A parameter that nobody read is a mistake too, as at Stripe.
type Form struct {
	name  string // full name, such as "items[0][price]"
	value string
	kids  map[string]*Form
	order []string // the kids' keys as they came
	read  bool
	all   *whole // shared by all levels
}

// whole is what the levels of a form share.
type whole struct {
	mistake error                  // the first
	known   func(name string) bool // tells whether Stripe's call takes a parameter
}

// Bounds of a form: a deep or wide one would take much more memory than its
// bytes. Stripe's own parameters nest at most five deep.
const (
	deepestParameter = 8
	mostParameters   = 1000
)

// ReadForm takes the parameters of the query and of the body, of a call about
// a kind of objects.
func ReadForm(r *http.Request, kind string) (*Form, error) {
	if err := r.ParseForm(); err != nil {
		return nil, Invalid("", "", "Invalid request: the body is not form-encoded.")
	}
	return newForm(r.Form, func(name string) bool { return strings.Contains(" "+stripes().Params[kind]+" ", " "+name+" ") })
}

func newForm(values url.Values, known func(string) bool) (*Form, error) {
	f := &Form{all: &whole{known: known}}
	keys, count := make([]string, 0, len(values)), 0
	for key := range values {
		keys, count = append(keys, key), count+len(values[key])
		if strings.Count(key, "[") > deepestParameter {
			return nil, Invalid("", "", "Invalid request: a parameter nests deeper than %d.", deepestParameter)
		}
	}
	if count > mostParameters {
		return nil, Invalid("", "", "Invalid request: it has more than %d parameters.", mostParameters)
	}
	slices.Sort(keys) // elements of lists come by their number, if it is small
	for _, key := range keys {
		path := splitKey(key)
		for n, value := range values[key] {
			f.put(path, n, value)
		}
	}
	return f, nil
}

// splitKey turns a[b][] into a, b and "".
func splitKey(key string) []string {
	name, rest, nested := strings.Cut(key, "[")
	if !nested {
		return []string{key}
	}
	return append([]string{name}, strings.Split(strings.TrimSuffix(rest, "]"), "][")...)
}

// put keeps the nth value of a name, which is of the nth element of a list.
func (f *Form) put(path []string, n int, value string) {
	for _, key := range path {
		if key == "" {
			key = strconv.Itoa(n)
		}
		f = f.kid(key)
	}
	f.value = value
}

func (f *Form) kid(key string) *Form {
	if kid, ok := f.kids[key]; ok {
		return kid
	}
	if f.kids == nil {
		f.kids = map[string]*Form{}
	}
	kid := &Form{name: f.Full(key), all: f.all}
	f.kids[key] = kid
	f.order = append(f.order, key)
	return kid
}

// Full gives a parameter's name from the outermost level on.
func (f *Form) Full(key string) string {
	if f.name == "" {
		return key
	}
	return f.name + "[" + key + "]"
}

// Fail keeps the first mistake.
func (f *Form) Fail(err error) {
	if f.all.mistake == nil {
		f.all.mistake = err
	}
}

// Missing fails because a parameter is.
func (f *Form) Missing(key string) {
	f.Fail(Invalid("parameter_missing", f.Full(key), "Missing required param: %s.", f.Full(key)))
}

// End gives the first mistake, or one about a parameter that nobody read:
// Stripe doesn't know it, or the sandbox does nothing with it.
func (f *Form) End() error {
	for _, key := range f.order {
		kid := f.kids[key]
		switch {
		case kid == nil: // there is one for each
		case kid.read:
			_ = kid.End() // its mistake is ours
		case f.all.known(key):
			f.Fail(Invalid("", kid.name, "The sandbox does nothing with the parameter %s, so it does not take it.", kid.name))
		default:
			f.Fail(Invalid("parameter_unknown", kid.name, "Received unknown parameter: %s", kid.name))
		}
	}
	return f.all.mistake
}
