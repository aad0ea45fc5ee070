package controllers

import (
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"hourbank/models"
	"hourbank/services/exports"
)

// Export answers a list, or a period's statement or sales, as CSV.
func (h *Controllers) Export(c *gin.Context) error { return StreamExport(c, h.services.Exports) }

// An export as a whole takes as long as it does; its first chunk may take
// adding up all that there is, and a client must take each one in time.
const (
	firstPatience = 5 * time.Minute
	chunkPatience = 30 * time.Second
)

// StreamExport answers the export that the address names, row by row. It
// returns a *models.Error with code not_found or invalid_request, before
// anything was answered. What fails later cuts the answer off, so that no client
// takes a part for the whole.
func StreamExport(c *gin.Context, service *exports.Service) error {
	name, isCSV := strings.CutSuffix(c.Param("list"), ".csv")
	if !isCSV {
		return models.Errorf(models.CodeNotFound, "There is nothing at this address; an export ends in .csv.")
	}
	export, err := service.Open(name, c.Request.URL.Query())
	if err != nil {
		return err
	}
	c.Header("Content-Type", "text/csv; charset=utf-8; header=present")
	c.Header("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": export.Filename}))
	if c.Request.Method == http.MethodHead {
		c.Status(http.StatusOK)
		return nil
	}
	connection := http.NewResponseController(c.Writer)
	if err := connection.SetWriteDeadline(time.Now().Add(firstPatience)); err != nil {
		return fmt.Errorf("give an export more time: %w", err)
	}
	err = export.Write(c.Request.Context(), c.Writer, func(int) error {
		if err := connection.SetWriteDeadline(time.Now().Add(chunkPatience)); err != nil {
			return fmt.Errorf("give an export more time: %w", err)
		}
		return connection.Flush()
	})
	switch {
	case err == nil:
	case !c.Writer.Written():
		c.Writer.Header().Del("Content-Disposition")
	case c.Request.Context().Err() != nil: // the client is gone
		return nil //nolint:nilerr // nobody is left to tell
	default:
		_ = connection.SetWriteDeadline(time.Unix(1, 0)) // the end of the answer is never sent
	}
	return err
}
