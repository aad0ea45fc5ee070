// Package scrub says what is kept of an event: nothing that Hourbank never needs.
package scrub

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/tidwall/gjson"
)

// SHA256 is how a stored event is told to be the one that was signed: of the
// body, byte for byte.
func SHA256(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// Payload gives the JSON without what Hourbank never needs: client secrets, card
// and contact details, and links that show them to whoever has the link. What is
// left is byte for byte as it was, and tells what the whole told. Scrubbing it
// again changes nothing. The JSON must be valid.
func Payload(payload string) string {
	s := scrubber{in: payload}
	s.space()
	s.value()
	if s.kept == 0 {
		return payload
	}
	s.out.WriteString(payload[s.kept:])
	return s.out.String()
}

// fate is what becomes of a member of an object.
type fate int

const (
	keep     fate = iota
	drop          // with its value
	identify      // of an object only what it is, and which one
)

// fateOf decides by a member's name alone, wherever it stands.
func fateOf(name string) fate {
	switch name {
	// Their ids and types join things; of a customer, all else is personal.
	case "payment_method", "payment_method_details", "source", "default_source", "card", "customer", "bank_account":
		return identify
	case "billing_details", "customer_details", "collected_information", "custom_fields", "customer_tax_ids", "shipping_details", "customer_shipping",
		"confirmation_secret", "next_action", "evidence", "name", "tracking_number", "last4", "fingerprint", "iban", "dob",
		"receipt_url", "hosted_invoice_url", "invoice_pdf", "pdf", "url":
		return drop
	}
	if isPersonal(name) {
		return drop
	}
	return keep
}

// isPersonal goes by how a name ends, so that names which nobody thought of are
// dropped, too. It looks at the last byte first: most names end otherwise.
func isPersonal(name string) bool {
	if name == "" || strings.HasPrefix(name, "ephemeral") {
		return name != ""
	}
	switch name[len(name)-1] {
	case 't':
		return strings.HasSuffix(name, "secret")
	case 'l':
		return strings.HasSuffix(name, "email")
	case 's':
		return strings.HasSuffix(name, "address")
	case 'e':
		return strings.HasSuffix(name, "phone") || strings.HasSuffix(name, "_name")
	default:
		return false
	}
}

// scrubber walks over JSON once, and copies it around what is dropped.
type scrubber struct {
	in   string
	at   int // where it is
	out  strings.Builder
	kept int // up to where in is copied, or dropped
}

func (s *scrubber) cut(from, to int) {
	if s.kept == 0 {
		s.out.Grow(len(s.in))
	}
	s.out.WriteString(s.in[s.kept:from])
	s.kept = to
}

// value walks over a value, dropping what it must of it.
func (s *scrubber) value() {
	switch s.peek() {
	case '{':
		s.object(false)
	case '[':
		for s.next(); s.peek() != ']' && s.at < len(s.in); {
			s.value()
			if s.space(); s.peek() == ',' {
				s.next()
			}
		}
		s.at++
	default:
		s.skip()
	}
}

// object walks over an object, of which only its identity may stay. What is
// dropped takes the comma before it along, or the one behind it where nothing
// stays before it.
func (s *scrubber) object(identity bool) {
	comma, stays := 0, false
	for s.next(); s.peek() == '"'; {
		begin := s.at
		name := s.name()
		s.space()
		s.next() // the colon
		dropped := !s.member(name, identity)
		end := s.at
		s.space()
		separator := s.at
		if s.peek() == ',' {
			s.next()
		}
		switch {
		case !dropped:
			stays = true
		case stays:
			s.cut(comma, end)
		case s.peek() == '"':
			s.cut(begin, s.at)
		default:
			s.cut(begin, end)
		}
		comma = separator
	}
	s.at++
}

// member walks over a member's value, and says whether it stays. What is null
// holds nothing.
func (s *scrubber) member(name string, identity bool) bool {
	what, first := fateOf(name), s.peek()
	switch {
	case identity:
		s.skip()
		return first == '"' && (name == "id" || name == "object" || name == "type")
	case first == 'n' || what == identify && first == '"':
		s.skip()
	case what == identify && first == '{':
		s.object(true)
	case what != keep:
		s.skip()
		return false
	default:
		s.value()
	}
	return true
}

// name reads a member's name.
func (s *scrubber) name() string {
	begin := s.at
	s.text()
	if name := s.in[begin+1 : s.at-1]; strings.IndexByte(name, '\\') < 0 {
		return name
	}
	return gjson.Parse(s.in[begin:s.at]).Str
}

// skip walks over a value that stays, or goes, whole.
func (s *scrubber) skip() {
	for depth := 0; s.at < len(s.in); {
		switch s.in[s.at] {
		case '"':
			s.text()
		case '{', '[':
			depth++
			s.at++
			continue
		case '}', ']':
			depth--
			s.at++
		default:
			s.at++
			if depth > 0 || !s.ends() {
				continue
			}
		}
		if depth == 0 {
			return
		}
	}
}

// ends says whether a number, true, false or null ends here.
func (s *scrubber) ends() bool {
	switch s.peek() {
	case ',', '}', ']', ' ', '\t', '\n', '\r', 0:
		return true
	}
	return false
}

// text walks over a string.
func (s *scrubber) text() {
	for s.at++; s.at < len(s.in); {
		i := strings.IndexByte(s.in[s.at:], '"')
		if i < 0 {
			s.at = len(s.in)
			return
		}
		escaped := 0
		for j := s.at + i - 1; j >= s.at && s.in[j] == '\\'; j-- {
			escaped++
		}
		if s.at += i + 1; escaped%2 == 0 {
			return
		}
	}
}

// peek is the byte where it is; 0 at the end.
func (s *scrubber) peek() byte {
	if s.at < len(s.in) {
		return s.in[s.at]
	}
	return 0
}

// next goes past a byte, and what is blank behind it.
func (s *scrubber) next() {
	s.at++
	s.space()
}

func (s *scrubber) space() {
	for ; s.at < len(s.in); s.at++ {
		if c := s.in[s.at]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return
		}
	}
}
