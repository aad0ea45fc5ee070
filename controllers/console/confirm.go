package console

import (
	"cmp"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
)

// confirmation is a page that asks before money or hours move. Its button
// posts what was asked for, with the once-token of the form that it came from,
// so that going back and confirming again does nothing twice.
type confirmation struct {
	About    string     // what it is about: a link's text
	Back     string     // and the link's address, for who thinks again
	Will     []string   // what will happen, in numbers: a sentence each
	Warnings []string   // what to think about first
	Action   string     // where the button posts to
	Fields   url.Values // what it posts; "once" among them
	Button   string     // what the button does, as a verb
	Danger   bool       // money leaves, or hours do
}

// confirm asks. It changes nothing.
func (h *Console) confirm(c *gin.Context, title string, page confirmation) error {
	return h.render(c, http.StatusOK, "confirm", title, page)
}

// newOnce makes the token of a form that asks for something.
func newOnce() string { return onceReference + uuid.NewString() }

// onceOf is the token of the form that led here.
func onceOf(c *gin.Context) string { return cmp.Or(c.Query("once"), c.PostForm("once"), newOnce()) }
