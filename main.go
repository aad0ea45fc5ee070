// Hourbank turns Stripe payments into tutoring hours, exactly once.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"hourbank/commands"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := commands.Execute(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
