// Package restore loses databases, and follows the runbook that brings them back.
package restore

import (
	"testing"

	"hourbank/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
