package commands

import (
	"context"
	"errors"
)

func (p *program) serveSandbox(ctx context.Context) error {
	_ = ctx
	return errors.New("soon")
}
