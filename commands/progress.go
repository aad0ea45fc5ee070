package commands

import (
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress draws a counter on stderr while long work runs, where that is a
// terminal.
func (p *program) progress(what string) *progressbar.ProgressBar {
	file, ok := p.stderr.(*os.File)
	return progressbar.NewOptions(-1,
		progressbar.OptionSetDescription(what),
		progressbar.OptionSetWriter(p.stderr),
		progressbar.OptionShowCount(),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetVisibility(ok && term.IsTerminal(int(file.Fd()))),
	)
}
