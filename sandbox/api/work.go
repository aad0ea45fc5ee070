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
	wake    chan struct{} // Run has something to start
	tasks   []Task        // waiting for Run to start them
	pending int           // tasks waiting or under way
	idle    chan struct{} // closed when pending comes down to 0
}

// Task is work that Run starts and waits for.
type Task func(ctx context.Context)

// NewWork makes a Work with nothing to do.
func NewWork() *Work { return &Work{wake: make(chan struct{}, 1), idle: make(chan struct{})} }

// Within runs f alone, and wakes Run where f left it work.
func (w *Work) Within(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
	if len(w.tasks) > 0 {
		select {
		case w.wake <- struct{}{}:
		default: // Run is about to look anyway
		}
	}
}

// Start hands work to Run. It is called under Within.
func (w *Work) Start(t Task) {
	w.tasks = append(w.tasks, t)
	w.pending++
}

// Run does the work until ctx is done and all that it started has ended.
func (w *Work) Run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	for {
		for _, task := range w.take() {
			running.Go(func() { w.perform(ctx, task) })
		}
		select {
		case <-w.wake:
		case <-ctx.Done():
			for _, task := range w.take() {
				w.perform(ctx, task) // only notes that it is too late
			}
			return
		}
	}
}

func (w *Work) take() (tasks []Task) {
	w.mu.Lock()
	defer w.mu.Unlock()
	tasks, w.tasks = w.tasks, nil
	return tasks
}

func (w *Work) perform(ctx context.Context, task Task) {
	task(ctx)
	w.Within(func() {
		w.pending--
		if w.pending == 0 {
			close(w.idle)
			w.idle = make(chan struct{})
		}
	})
}

// Wait returns nil as soon as nothing is pending, or ctx's error where that
// comes first.
func (w *Work) Wait(ctx context.Context) error {
	for {
		var idle chan struct{}
		w.Within(func() {
			if w.pending > 0 {
				idle = w.idle
			}
		})
		if idle == nil {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Pause waits for d, and tells whether ctx let it.
func Pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
