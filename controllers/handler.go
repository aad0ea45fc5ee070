// Package controllers turns HTTP into calls of services and their results
// into HTTP. It decides nothing about money or hours.
package controllers

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/gin-gonic/gin"

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
}

// New makes the controllers.
func New(cfg *config.Config, s *services.Services) *Controllers {
	return &Controllers{cfg: cfg, services: s}
}

// pageRequest reads ?cursor= and ?limit=, and the filters named. A limit above
// the largest page is lowered to it.
func pageRequest(c *gin.Context, filters ...string) (paging.PageRequest, url.Values, error) {
	values, err := query(c, append(filters, "cursor", "limit")...)
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
	return request, values, nil
}

func ok(c *gin.Context, body any) error {
	c.JSON(http.StatusOK, body)
	return nil
}
