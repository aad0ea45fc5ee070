package harness

import (
	"bytes"
	"strings"
	"sync"

	"github.com/tidwall/gjson"
)

// Output collects what a program writes, while it writes.
type Output struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.Write(p)
}

func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.String()
}

// Lines gives the log lines whose field has the value.
func (o *Output) Lines(field, value string) []gjson.Result {
	var found []gjson.Result
	for line := range strings.Lines(o.String()) {
		if parsed := gjson.Parse(line); strings.HasSuffix(line, "\n") && parsed.Get(field).String() == value {
			found = append(found, parsed)
		}
	}
	return found
}
