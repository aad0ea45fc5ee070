package console

import (
	"strings"

	"github.com/gin-gonic/gin"
)

// Search finds a student, a purchase or an event, and goes there at once
// where there is only one.
func (h *Console) Search(c *gin.Context) error {
	if strings.TrimSpace(c.Query("q")) == "" {
		return seeOther(c, "/console/")
	}
	found, err := h.services.Search.Find(c.Request.Context(), c.Query("q"))
	if err != nil {
		return err
	}
	if len(found.Students)+len(found.Purchases)+len(found.Events) == 1 {
		switch {
		case len(found.Students) == 1:
			return seeOther(c, studentAddress(found.Students[0].StudentID))
		case len(found.Purchases) == 1:
			return seeOther(c, purchaseAddress(found.Purchases[0].ID))
		default:
			return seeOther(c, eventAddress(found.Events[0].ID))
		}
	}
	return h.ok(c, "search", "Search", found)
}
