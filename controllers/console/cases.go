package console

import (
	"cmp"
	"maps"
	"net/url"
	"slices"

	"github.com/gin-gonic/gin"

	"hourbank/models"
	"hourbank/services"
)

type casesPage struct {
	listing[models.Case]
	Kinds []models.CaseKind
}

// Cases lists the open cases, the most urgent first, or those asked for.
func (h *Console) Cases(c *gin.Context) error {
	asked, request, err := ask(c, "status", "kind", "student")
	if err != nil {
		return err
	}
	filter := services.CaseFilter{Status: cmp.Or(asked["status"], "open"), Kind: asked["kind"], StudentID: asked["student"]}
	if filter.Status == "any" {
		filter.Status = ""
	}
	if request.Sort == "" {
		request.Sort = services.SortUrgent
	}
	cases, err := h.services.Cases.List(c.Request.Context(), filter, request)
	if err != nil {
		return err
	}
	return h.ok(c, "cases", "Cases", casesPage{listing: newListing(asked, request, cases), Kinds: models.CaseKinds})
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
