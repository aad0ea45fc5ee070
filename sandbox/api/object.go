package api

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Object is one of Stripe's objects, or a part of one. It has the properties of
// all versions beside each other; each version is shown its own, see shaped.
// Amounts, times and counts are int64. A property that is a func() any is
// worked out when it is shown; one whose name begins with _ is the sandbox's
// own, and never shown. What is "" is shown as null, or not at all.
type Object map[string]any

// as gives a property, nothing where there is none of the type.
func as[T any](o Object, name string) T {
	o.check(name)
	value, _ := o[name].(T)
	return value
}

// Text gives a string.
func (o Object) Text(name string) string { return as[string](o, name) }

// Is gives a boolean.
func (o Object) Is(name string) bool { return as[bool](o, name) }

// Part gives an object in the object.
func (o Object) Part(name string) Object { return as[Object](o, name) }

// Parts gives objects in the object.
func (o Object) Parts(name string) []Object { return as[[]Object](o, name) }

// Metadata gives the object's metadata.
func (o Object) Metadata() Metadata { return as[Metadata](o, "metadata") }

// Number gives an integer.
func (o Object) Number(name string) int64 {
	if n := as[int](o, name); n != 0 {
		return int64(n)
	}
	return as[int64](o, name)
}

// In tells whether a string is one of these.
func (o Object) In(name string, values ...string) bool { return slices.Contains(values, o.Text(name)) }

// ID is the object's id.
func (o Object) ID() string { return o.Text("id") }

// Kind is what Stripe calls the object, such as payment_intent.
func (o Object) Kind() string {
	kind, _ := o["object"].(string)
	return kind
}

// Add adds to a number.
func (o Object) Add(name string, n int64) { o[name] = o.Number(name) + n }

// Set changes properties.
func (o Object) Set(values Object) {
	for name := range values {
		o.check(name)
	}
	maps.Copy(o, values)
}

// Pick gives the named properties of the object.
func (o Object) Pick(names ...string) Object {
	picked := Object{}
	for _, name := range names {
		picked[name] = as[any](o, name)
	}
	return picked
}

// check panics on a name that Stripe does not know, for a misspelt one would be
// read as nothing for ever.
func (o Object) check(name string) {
	s := stripes().Objects[o.Kind()]
	if s == nil || strings.HasPrefix(name, "_") || name == "created" || name == "livemode" {
		return
	}
	if _, ok := s.properties[name]; !ok {
		panic(o.Kind() + " has no " + name)
	}
}

// Metadata is what a caller notes on an object.
type Metadata map[string]string

// snapshot copies a value as it is now, with whatever is worked out.
func snapshot(value any) any {
	switch value := value.(type) {
	case string:
		if value == "" {
			return nil
		}
	case int:
		return int64(value) // so that equal numbers are equal
	case func() any:
		return snapshot(value())
	case Metadata:
		return maps.Clone(value)
	case map[string]any:
		return snapshot(Object(value))
	case []string:
		return slices.Clone(value)
	case []Object:
		return snapshots(value)
	case []any:
		return snapshots(value)
	case Object:
		return value.snapshot()
	}
	return value
}

func snapshots[T any](rows []T) []any {
	copied := make([]any, len(rows))
	for i, row := range rows {
		copied[i] = snapshot(row)
	}
	return copied
}

// snapshot leaves null to the shape of a whole object, for some of its
// properties are missing instead.
func (o Object) snapshot() Object {
	if e, ok := o["_event"].(*Event); ok {
		return e.Render(AccountVersion)
	}
	kind, copied := o.Kind(), make(Object, len(o))
	_, whole := stripes().Objects[kind]
	for name, value := range o {
		if kind != "" && strings.HasPrefix(name, "_") {
			continue
		}
		if now := snapshot(value); now != nil || !whole {
			copied[name] = now
		}
	}
	return copied
}

// Store keeps all objects. Its Work guards it.
type Store struct {
	*Work
	Clock       func() time.Time
	SettleAfter time.Duration // what "some time later" is
	Dispatch    func(*Event)  // sends an event to whoever wants it

	byID map[string]Object   // every object that an id can name
	rows map[string][]Object // by kind, in the order of their making
	told map[string]Object   // the objects as the last events told of them
}

// NewStore makes an empty Store.
func NewStore(clock func() time.Time, settleAfter time.Duration) *Store {
	return &Store{
		Work: newWork(), Clock: clock, SettleAfter: settleAfter, Dispatch: func(*Event) {},
		byID: map[string]Object{}, rows: map[string][]Object{}, told: map[string]Object{},
	}
}

// Get gives the object with the id, nil for none.
func (st *Store) Get(id string) Object { return st.byID[id] }

// Must gives an object that another one names, so that it is there.
func (st *Store) Must(id string) Object {
	if o := st.byID[id]; o != nil {
		return o
	}
	panic("no object " + id)
}

// Find gives the object of a kind with the id, or Stripe's refusal, which names
// the parameter that held the id.
func (st *Store) Find(kind, id, param string) (Object, error) {
	if o := st.byID[id]; o != nil && o.Kind() == kind {
		return o, nil
	}
	return nil, NoSuch(kind, id, param)
}

// All gives the objects of a kind, oldest first.
func (st *Store) All(kind string) []Object { return st.rows[kind] }

// Keep keeps an object, once.
func (st *Store) Keep(o Object) Object {
	if st.byID[o.ID()] == nil {
		st.byID[o.ID()] = o
		st.rows[o.Kind()] = append(st.rows[o.Kind()], o)
	}
	return o
}
