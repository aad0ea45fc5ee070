// Package controllers turns HTTP into calls of services and their results
// into HTTP. It decides nothing about money or hours.
package controllers

import (
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"hourbank/config"
	"hourbank/services"
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

// pageRequest reads ?cursor= and ?limit=. A limit above the largest page is
// lowered to it.
func pageRequest(c *gin.Context) (services.PageRequest, error) {
	request := services.PageRequest{Cursor: c.Query("cursor"), Limit: services.DefaultPageSize}
	if limit := c.Query("limit"); limit != "" {
		n, err := strconv.Atoi(limit)
		if err != nil || n < 1 {
			return request, services.Errorf(services.CodeInvalidRequest, "limit must be a whole number from 1 to %d.", services.MaxPageSize)
		}
		request.Limit = n
	}
	return request, nil
}

func ok(c *gin.Context, body any) error {
	c.JSON(http.StatusOK, body)
	return nil
}
