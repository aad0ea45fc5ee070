package cli

import (
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Progress is a counter that is drawn while long work runs. What can't be drawn
// is no reason to stop.
type Progress struct {
	bar  *progressbar.ProgressBar
	what string
}

// Progress draws a counter on stderr while long work runs, where that is a
// terminal. Done takes it away.
func (p *Program) Progress(what string) *Progress {
	file, ok := p.Stderr.(*os.File)
	return &Progress{what: what, bar: progressbar.NewOptions(-1,
		progressbar.OptionSetDescription(what),
		progressbar.OptionSetWriter(p.Stderr),
		progressbar.OptionShowCount(),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetVisibility(ok && term.IsTerminal(int(file.Fd()))),
	)}
}

// Add counts what was done.
func (p *Progress) Add(n int) { _ = p.bar.Add(n) }

// Step counts one and says of what.
func (p *Progress) Step(of string) {
	p.bar.Describe(p.what + " " + of)
	p.Add(1)
}

// Done ends it.
func (p *Progress) Done() { _ = p.bar.Finish() }
