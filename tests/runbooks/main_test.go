package runbooks

import (
	"testing"

	"hourbank/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
