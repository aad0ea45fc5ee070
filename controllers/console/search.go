package console

import (
	"strings"

	"github.com/gin-gonic/gin"

	"hourbank/services/search"
)

// Search finds what somebody has in hand, and goes there at once where all of
// it is one page. Bookings, and cases without a purchase, have no page of their
// own.
func (h *Console) Search(c *gin.Context) error {
	if strings.TrimSpace(c.Query("q")) == "" {
		return seeOther(c, "/console/")
	}
	found, err := h.services.Search.Find(c.Request.Context(), c.Query("q"))
	if err != nil {
		return err
	}
	var pages []string
	for _, account := range found.Students {
		pages = append(pages, studentAddress(account.StudentID))
	}
	for _, purchase := range found.Purchases {
		pages = append(pages, purchaseAddress(purchase.ID))
	}
	for _, event := range found.Events {
		pages = append(pages, eventAddress(event.ID))
	}
	if len(pages) == 1 && len(found.Entries)+len(found.Cases) == 0 && !found.Unread {
		return seeOther(c, pages[0])
	}
	return h.ok(c, "search", "Search", searchPage{Found: found, Most: search.MaxFound})
}

type searchPage struct {
	*search.Found
	Most int // of a kind; there may be more
}
