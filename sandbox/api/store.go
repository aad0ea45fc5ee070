package api

import (
	"time"
)

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
		Work: NewWork(), Clock: clock, SettleAfter: settleAfter, Dispatch: func(*Event) {},
		byID: map[string]Object{}, rows: map[string][]Object{}, told: map[string]Object{},
	}
}

// Get gives the object with the id, nil for none.
func (st *Store) Get(id string) Object { return st.byID[id] }

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
