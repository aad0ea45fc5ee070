package controllers

import (
	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Healthz says that the process runs.
func (h *Controllers) Healthz(c *gin.Context) error { return ok(c, gin.H{"status": "ok"}) }

// Readyz says that the database answers and is migrated.
func (h *Controllers) Readyz(c *gin.Context) error {
	if err := h.services.Health.Ready(c.Request.Context()); err != nil {
		return err
	}
	return ok(c, gin.H{"status": "ready"})
}

// Metrics answers Prometheus.
func (h *Controllers) Metrics(c *gin.Context) error {
	promhttp.HandlerFor(h.services.Metrics.Registry, promhttp.HandlerOpts{}).ServeHTTP(c.Writer, c.Request)
	return nil
}
