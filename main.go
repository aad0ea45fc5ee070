// Hourbank turns Stripe payments into tutoring hours, exactly once.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"hourbank/commands"
)

func main() {
	// Few megabytes live long. With this much that is never touched, and so
	// takes no memory, they are collected about as rarely as with GOGC=400,
	// which saves a tenth of the time; a heap that grows, by an attack or in
	// need, still only doubles.
	ballast := make([]byte, 32<<20)
	// A container's limit is kept by collecting more often near it. GOMEMLIMIT
	// outranks it; without either there is none.
	_, _ = memlimit.Set(memlimit.WithProvider(memlimit.FromCgroup))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := commands.Execute(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	runtime.KeepAlive(ballast)
	os.Exit(code)
}
