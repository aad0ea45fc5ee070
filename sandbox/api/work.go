package api

import (
	"context"
	"sync"
	"time"
)

// Work guards the state by one mutex, and holds what was begun under it and
// takes longer. Goroutines exist only under Run.
type Work struct {
	mu      sync.Mutex
	changed *sync.Cond // there are tasks, or none is pending any more
	tasks   []Task     // waiting for Run to start them
	pending int        // tasks waiting or under way
}

// Task is work that Run starts and waits for.
type Task func(ctx context.Context)

func newWork() *Work {
	w := &Work{}
	w.changed = sync.NewCond(&w.mu)
	return w
}

// Within runs f alone.
func (w *Work) Within(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// Start hands work to Run. It is called under Within.
func (w *Work) Start(t Task) {
	w.tasks = append(w.tasks, t)
	w.pending++
	w.changed.Broadcast()
}

// await waits until it is so or ctx is done, and then calls then, alone.
func (w *Work) await(ctx context.Context, isSo func() bool, then func()) {
	defer context.AfterFunc(ctx, func() { w.Within(w.changed.Broadcast) })()
	w.mu.Lock()
	defer w.mu.Unlock()
	for !isSo() && ctx.Err() == nil {
		w.changed.Wait()
	}
	then()
}

// Run does the work until ctx is done and all that it started has ended.
func (w *Work) Run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	for ctx.Err() == nil {
		w.await(ctx, func() bool { return len(w.tasks) > 0 }, func() {
			for _, task := range w.tasks {
				running.Go(func() { w.perform(ctx, task) }) // after ctx it only notes that it is too late
			}
			w.tasks = nil
		})
	}
}

func (w *Work) perform(ctx context.Context, task Task) {
	task(ctx)
	w.Within(func() {
		w.pending--
		w.changed.Broadcast()
	})
}

// Wait returns nil as soon as nothing is pending, or ctx's error where that
// comes first.
func (w *Work) Wait(ctx context.Context) (err error) {
	idle := func() bool { return w.pending == 0 }
	w.await(ctx, idle, func() {
		if !idle() {
			err = ctx.Err()
		}
	})
	return err
}

// Pause waits for d, and tells whether ctx let it.
func Pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
