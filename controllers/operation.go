package controllers

import "github.com/gin-gonic/gin"

// Healthz says that the process runs.
func (h *Controllers) Healthz(c *gin.Context) error { return ok(c, gin.H{"status": "ok"}) }

// Readyz says that the database answers and is migrated.
func (h *Controllers) Readyz(c *gin.Context) error {
	if err := h.services.Health.Ready(c.Request.Context()); err != nil {
		return err
	}
	return ok(c, gin.H{"status": "ready"})
}

// scrapesAtOnce bounds what is asked of the database for them; more are answered 503.
const scrapesAtOnce = 2

// Metrics answers Prometheus.
func (h *Controllers) Metrics(c *gin.Context) error {
	h.metrics.ServeHTTP(c.Writer, c.Request)
	return nil
}
