package sales

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"gorm.io/gorm"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/ledger"
	"hourbank/services/lots"
)

// Most of what it costs to book a lesson is its transaction. So lessons and holds that
// arrive while one runs share the next one, as events do. Whatever is not plain there
// (an account that others have locked, or whose lots must be settled first; a lesson of
// before; a reference that was used; too few hours; an error) is booked alone, and
// answered by that.

// lesson is one that somebody waits for.
type lesson struct {
	BookingOrder
	kind models.EntryKind
	done chan *Booking // nil: it must be booked alone
}

// lessonQueue is safe for concurrent use. Whoever has the turn books for all.
type lessonQueue struct {
	turn    chan struct{}
	mu      sync.Mutex
	waiting []*lesson
}

func (q *lessonQueue) put(l *lesson) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, l)
}

// leave takes a lesson back for which nobody waits any more.
func (q *lessonQueue) leave(l *lesson) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = slices.DeleteFunc(q.waiting, func(other *lesson) bool { return other == l })
}

func (q *lessonQueue) takeAll() []*lesson {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.waiting
	q.waiting = nil
	return all
}

// bookLesson books a lesson or hold. A caller that gives up may have it booked all the
// same, once.
func (s *AccountService) bookLesson(ctx context.Context, o BookingOrder, kind models.EntryKind) (*Booking, error) {
	if err := o.checkTerms(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, database.TransactionTimeout)
	defer cancel()
	l := &lesson{o, kind, make(chan *Booking, 1)}
	s.lessons.put(l)
	for turn := s.lessons.turn; ; {
		select {
		case turn <- struct{}{}:
			s.bookTogether(ctx, s.lessons.takeAll())
			turn = nil // it is taken, by us or before
		case booking := <-l.done:
			if booking == nil {
				return s.book(ctx, o, kind, -o.Hours)
			}
			return booking, nil
		case <-ctx.Done():
			s.lessons.leave(l)
			return nil, fmt.Errorf("wait for other lessons: %w", ctx.Err())
		}
	}
}

// bookTogether books in one transaction what it can, and says so to all, whatever
// happens.
func (s *AccountService) bookTogether(ctx context.Context, all []*lesson) {
	var booked map[*lesson]*Booking // none where it fails: alone each is answered with what is wrong
	defer func() {
		<-s.lessons.turn
		for _, l := range all {
			l.done <- booked[l]
		}
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), database.TransactionTimeout/2)
	defer cancel()
	var tried map[*lesson]*Booking
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) (err error) {
		tried, err = bookPlain(tx, all)
		return err
	})
	if err == nil {
		booked = tried
	}
}

// bookPlain books lessons one after another, as long as nothing is special about them.
func bookPlain(tx *gorm.DB, all []*lesson) (map[*lesson]*Booking, error) {
	books, err := openSettled(tx, all)
	if err != nil {
		return nil, err
	}
	used, err := usedReferences(tx, all)
	if err != nil {
		return nil, err
	}
	booked := map[*lesson]*Booking{}
	for _, l := range all {
		b, reference := books[l.StudentID], usedReference{l.StudentID, l.Reference}
		if b == nil || used[reference] {
			continue
		}
		entry := b.entry(l.BookingOrder, l.kind, -l.Hours)
		mayRevive := b.account.LotsSettled != nil && entry.Lesson().Before(b.now) // hours that expired since
		if mayRevive || b.lots.Room(b.account.HoursAvailable, entry.Lesson()) < l.Hours {
			continue
		}
		b.draw(entry)
		used[reference] = true
		after := *b.account
		after.NextExpiry = b.lots.NextExpiry(b.now)
		booked[l] = &Booking{LedgerEntry: entry, Account: &after, New: true}
	}
	changes := make([]lots.Change, 0, len(books))
	for _, b := range books {
		changes = append(changes, b.change())
	}
	return booked, lots.Save(tx, changes...)
}

// openSettled opens the accounts of lessons that nobody has locked, and whose lots are
// settled.
func openSettled(tx *gorm.DB, all []*lesson) (map[string]*openBooks, error) {
	students := make([]string, len(all))
	for i, l := range all {
		students[i] = l.StudentID
	}
	slices.Sort(students)
	students = slices.Compact(students)
	accounts, err := ledger.LockFree(tx, students)
	if err != nil {
		return nil, err
	}
	held, err := lots.OfMany(tx, accounts)
	if err != nil {
		return nil, err
	}
	books, now := map[string]*openBooks{}, tx.NowFunc()
	for _, a := range accounts {
		if !lots.IsDue(a, held[a.StudentID], now) {
			books[a.StudentID] = openThem(a, held[a.StudentID], now)
		}
	}
	return books, nil
}

type usedReference struct{ StudentID, Reference string }

// usedReferences says which of the lessons' references served before.
func usedReferences(tx *gorm.DB, all []*lesson) (map[usedReference]bool, error) {
	type booking struct {
		usedReference
		kind models.EntryKind
	}
	var asked []booking // each kind by itself: else all of a student's lessons are gone through
	for _, l := range all {
		for _, kind := range heldKinds {
			asked = append(asked, booking{usedReference{l.StudentID, l.Reference}, kind})
		}
	}
	var rows []usedReference
	err := database.Select(tx, `SELECT l.student_id, l.reference FROM %s
			JOIN hour_ledger_entries l ON l.student_id = r.student_id AND l.kind = r.kind AND l.reference = r.reference`,
		len(asked), database.ColumnOf("student_id", "text", asked, func(b booking) string { return b.StudentID }),
		database.ColumnOf("kind", "text", asked, func(b booking) string { return string(b.kind) }),
		database.ColumnOf("reference", "text", asked, func(b booking) string { return b.Reference })).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("look for lessons: %w", err)
	}
	used := map[usedReference]bool{}
	for _, row := range rows {
		used[row] = true
	}
	return used, nil
}
