package controllers

import (
	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"golang.org/x/sync/singleflight"
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

// gatherOnce lets all who ask for the metrics at once share one gathering, which asks the
// database: who reads slowly keeps nobody waiting.
type gatherOnce struct {
	prometheus.Gatherer
	group singleflight.Group
}

// Gather gathers.
func (g *gatherOnce) Gather() ([]*dto.MetricFamily, error) {
	gathered, err, _ := g.group.Do("", func() (any, error) { return g.Gatherer.Gather() })
	families, _ := gathered.([]*dto.MetricFamily)
	return families, err
}

// Metrics answers Prometheus.
func (h *Controllers) Metrics(c *gin.Context) error {
	h.metrics.ServeHTTP(c.Writer, c.Request)
	return nil
}
