// Package tests runs Hourbank through its front door, on both engines.
package tests

import (
	"testing"

	"hourbank/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// fields are what an answer must read as, by path.
type fields = map[string]string
