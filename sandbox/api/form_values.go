package api

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// At gives the parameter, nil where it was not sent.
func (f *Form) At(key string) *Form {
	p := f.kids[key]
	if p != nil {
		p.read = true
	}
	return p
}

// Has tells whether a parameter was sent.
func (f *Form) Has(key string) bool { return f.At(key) != nil }

// Text reads a string, "" where it was not sent.
func (f *Form) Text(key string) string {
	if p := f.At(key); p != nil {
		return p.value
	}
	return ""
}

// TextsInto puts those strings into the object that were sent.
func (f *Form) TextsInto(o Object, keys ...string) {
	for _, key := range keys {
		if p := f.At(key); p != nil {
			o[key] = p.value
		}
	}
}

// Required reads a string that must be there.
func (f *Form) Required(key string) string {
	value := f.Text(key)
	if value == "" {
		f.Missing(key)
	}
	return value
}

// Fixed takes a parameter that may only be what the sandbox does anyway.
func (f *Form) Fixed(key, value string) {
	if f.Has(key) && strings.ToLower(f.Text(key)) != value {
		f.Fail(Invalid("", f.Full(key), "The sandbox takes %s only as %s.", f.Full(key), value))
	}
}

// Number reads an integer, otherwise where it was not sent.
func (f *Form) Number(key string, otherwise int64) int64 {
	p := f.At(key)
	if p == nil {
		return otherwise
	}
	n, err := strconv.ParseInt(p.value, 10, 64)
	if err != nil {
		f.Fail(Invalid("parameter_invalid_integer", p.name, "Invalid integer: %s", p.value))
	}
	return n
}

// Flag reads a boolean, in any case: older clients send Python's True.
func (f *Form) Flag(key string, otherwise bool) bool {
	switch value := strings.ToLower(f.Text(key)); value {
	case "":
		return otherwise
	case "true", "false":
		return value == "true"
	default:
		f.Fail(Invalid("", f.Full(key), "Invalid boolean: %s", f.Text(key)))
		return false
	}
}

// OneOf reads a choice; the usual one needs not be sent.
func (f *Form) OneOf(key, usual string, others ...string) string {
	value := f.Text(key)
	if value == "" {
		return usual
	}
	if choices := append([]string{usual}, others...); !slices.Contains(choices, value) {
		f.Fail(Invalid("", f.Full(key), "Invalid %s: must be one of %s", f.Full(key), strings.Join(choices, ", ")))
	}
	return value
}

// Elements gives the forms of a list in their order.
func (f *Form) Elements(key string) (list []*Form) {
	p := f.At(key)
	if p == nil {
		return nil
	}
	for _, k := range p.order {
		if element := p.At(k); element != nil {
			list = append(list, element)
		}
	}
	return list
}

// Texts reads a list of strings, or a single one where Stripe takes both.
func (f *Form) Texts(key string) (values []string) {
	if p := f.At(key); p != nil && len(p.kids) == 0 && p.value != "" {
		return []string{p.value}
	}
	for _, element := range f.Elements(key) {
		values = append(values, element.value)
	}
	return values
}

// Tree gives a parameter as JSON would have it, nil where it was not sent.
func (f *Form) Tree(key string) any {
	if p := f.At(key); p != nil {
		return p.plain()
	}
	return nil
}

func (f *Form) plain() any {
	f.read = true
	if len(f.kids) == 0 {
		return f.value
	}
	m := make(Object, len(f.kids))
	for key, kid := range f.kids {
		m[key] = kid.plain()
	}
	return m
}

// Metadata gives old with what was sent put in: an empty value takes a key
// away, an empty metadata all of them. Bounds: 50 keys of 40 characters with
// values of 500, https://docs.stripe.com/api/metadata.
func (f *Form) Metadata(old Metadata) Metadata {
	merged, p := Metadata{}, f.At("metadata")
	if p == nil || len(p.kids) > 0 {
		maps.Copy(merged, old)
	}
	if p == nil {
		return merged
	}
	for k, kid := range p.kids {
		kid.read = true
		switch {
		case len(k) > 40 || len(kid.value) > 500:
			f.Fail(Invalid("", kid.name, "Metadata keys can have up to 40 characters and values up to 500."))
		case kid.value == "":
			delete(merged, k)
		default:
			merged[k] = kid.value
		}
	}
	if len(merged) > 50 {
		f.Fail(Invalid("", "metadata", "You can have up to 50 metadata keys; you have %d.", len(merged)))
	}
	return merged
}

var currencyCode = regexp.MustCompile(`^[a-z]{3}$`)

// Currency reads the required currency, which Stripe takes in any case.
func (f *Form) Currency() string {
	value := strings.ToLower(f.Required("currency"))
	if value != "" && !currencyCode.MatchString(value) {
		f.Fail(Invalid("", f.Full("currency"), "Invalid currency: %s.", value))
	}
	return value
}

// LargestAmount is what Stripe charges at most, in minor units.
// https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
const LargestAmount = 99_999_999

// Amount reads the required amount that can be charged, in minor units.
func (f *Form) Amount() int64 {
	if f.Required("amount") == "" {
		return 0
	}
	n := f.Number("amount", 0)
	switch {
	case n < 1:
		f.Fail(Invalid("amount_too_small", f.Full("amount"), "Amount must be at least 1."))
	case n > LargestAmount:
		f.Fail(Invalid("amount_too_large", f.Full("amount"), "Amount must be no more than %d.", LargestAmount))
	}
	return n
}
