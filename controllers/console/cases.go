package console

import (
	"maps"
	"net/url"
	"slices"

	"github.com/gin-gonic/gin"

	"hourbank/models"
	"hourbank/services/paging"
)

type casesPage struct {
	Cases []models.Case
	Kind  string // what is filtered by
	Kinds []models.CaseKind
	More  bool // there are more than are shown
}

// Cases lists the open cases, the most urgent first.
func (h *Console) Cases(c *gin.Context) error {
	page := casesPage{Kind: c.Query("kind"), Kinds: models.CaseKinds}
	var err error
	page.Cases, err = h.services.Cases.Urgent(c.Request.Context(), page.Kind, paging.MaxPageSize+1)
	if err != nil {
		return err
	}
	if page.More = len(page.Cases) > paging.MaxPageSize; page.More {
		page.Cases = page.Cases[:paging.MaxPageSize]
	}
	return h.ok(c, "cases", "Cases", page)
}

// CloseCase ends a case with a note, under the name of whoever is signed in.
func (h *Console) CloseCase(c *gin.Context) error {
	closed, err := h.services.Cases.Close(c.Request.Context(), c.Param("id"), sessionOf(c).Name, c.PostForm("note"))
	if err != nil {
		return err
	}
	switch {
	case closed.TransactionID != nil:
		return seeOther(c, purchaseAddress(*closed.TransactionID)+"?done=closed")
	default:
		return seeOther(c, "/console/cases/?done=closed")
	}
}

// caseCount is how many cases of a kind are open.
type caseCount struct {
	Kind  models.CaseKind
	Cases int64
}

// openCases counts the open cases by kind, the most urgent first, and all
// together.
func openCases(byKind map[string]int64) (counts []caseCount, all int64) {
	for _, kind := range models.CaseKinds {
		if n := byKind[string(kind)]; n > 0 {
			counts = append(counts, caseCount{kind, n})
		}
	}
	for n := range maps.Values(byKind) {
		all += n
	}
	return slices.Clip(counts), all
}

func caseAddress(id string) string { return "/console/cases/" + url.PathEscape(id) + "/" }
