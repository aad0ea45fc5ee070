package controllers

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"hourbank/openapi"
)

// docsPolicy lets the page load its stylesheet and nothing else.
const docsPolicy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// OpenAPI answers the description of this interface for programs.
func (h *Controllers) OpenAPI(c *gin.Context) error {
	document, err := openapi.JSON()
	if err != nil {
		return err
	}
	c.Header("Access-Control-Allow-Origin", "*") // it is public, and tools in browsers read it
	return static(c, "application/json; charset=utf-8", document)
}

// Docs answers the same for people.
func (h *Controllers) Docs(c *gin.Context) error {
	page, err := openapi.Page()
	if err != nil {
		return err
	}
	c.Header("Content-Security-Policy", docsPolicy)
	c.Header("Referrer-Policy", "no-referrer")
	return static(c, "text/html; charset=utf-8", page)
}

// DocsStyle answers the page's stylesheet.
func (h *Controllers) DocsStyle(c *gin.Context) error {
	return static(c, "text/css; charset=utf-8", openapi.Style())
}

func static(c *gin.Context, contentType string, body []byte) error {
	c.Header("Cache-Control", "public, max-age=300")
	c.Header("X-Content-Type-Options", "nosniff")
	c.Data(http.StatusOK, contentType, body)
	return nil
}
