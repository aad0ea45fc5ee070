package cli

import (
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Progress draws a counter on stderr while long work runs, where that is a
// terminal.
func (p *Program) Progress(what string) *progressbar.ProgressBar {
	file, ok := p.Stderr.(*os.File)
	return progressbar.NewOptions(-1,
		progressbar.OptionSetDescription(what),
		progressbar.OptionSetWriter(p.Stderr),
		progressbar.OptionShowCount(),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetVisibility(ok && term.IsTerminal(int(file.Fd()))),
	)
}
