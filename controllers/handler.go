// Package controllers turns HTTP into calls of services and their results
// into HTTP. It decides nothing about money or hours.
package controllers

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"hourbank/config"
	"hourbank/models"
	"hourbank/services"
	"hourbank/services/paging"
)

// Handler is a route's function. What it returns as an error is rendered, and
// logged, in one place.
type Handler func(*gin.Context) error

// Controllers are the functions that routes name.
type Controllers struct {
	cfg      *config.Config
	services *services.Services
	metrics  http.Handler
}

// New makes the controllers.
func New(cfg *config.Config, s *services.Services) *Controllers {
	metrics := promhttp.HandlerFor(&gatherOnce{Gatherer: s.Metrics.Registry}, promhttp.HandlerOpts{})
	return &Controllers{cfg: cfg, services: s, metrics: metrics}
}

// pageRequest reads ?cursor=, ?limit=, ?created_from= and ?created_to=, and the
// filters named. A limit above the largest page is lowered to it. It returns a
// *models.Error with code invalid_request.
func pageRequest(c *gin.Context, filters ...string) (paging.PageRequest, url.Values, error) {
	values, err := query(c, append(filters, "created_from", "created_to", "cursor", "limit")...)
	if err != nil {
		return paging.PageRequest{}, nil, err
	}
	request := paging.PageRequest{Cursor: values.Get("cursor"), Limit: paging.DefaultPageSize}
	if limit := values.Get("limit"); limit != "" {
		n, err := strconv.ParseUint(limit, 10, strconv.IntSize-1)
		if err != nil || n < 1 {
			return request, nil, models.Errorf(models.CodeInvalidRequest, "limit must be a whole number from 1 to %d.", paging.MaxPageSize)
		}
		request.Limit = int(n)
	}
	if request.From, err = readTime(values, "created_from"); err != nil {
		return request, nil, err
	}
	request.To, err = readTime(values, "created_to")
	return request, values, err
}

// readTime reads a time, or a day, which stands for its first moment in UTC;
// nil where the parameter is left out.
func readTime(values url.Values, name string) (*time.Time, error) {
	given := values.Get(name)
	if given == "" {
		return nil, nil
	}
	for _, form := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(form, given); err == nil {
			return &t, nil
		}
	}
	return nil, models.Errorf(models.CodeInvalidRequest, "%s must be a time such as 2026-01-31T12:00:00Z, or a day such as 2026-01-31.", name)
}

func ok(c *gin.Context, body any) error {
	c.JSON(http.StatusOK, body)
	return nil
}
