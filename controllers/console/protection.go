package console

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/justinas/nosurf"

	"hourbank/controllers"
	"hourbank/models"
	"hourbank/services"
)

// contentPolicy lets a page load its stylesheet and charts and send its forms
// here, and nothing else: there are no scripts at all.
const contentPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// maxFormBytes bounds a form, which are all small.
const maxFormBytes = 64 << 10

// Headers are on every page.
func Headers(c *gin.Context) {
	c.Header("Content-Security-Policy", contentPolicy)
	c.Header("X-Content-Type-Options", "nosniff")
	// Not no-referrer, with which browsers also keep their Origin back.
	c.Header("Referrer-Policy", "same-origin")
	c.Header("Cache-Control", "no-store")
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxFormBytes)
}

// RefuseForgeries lets only forms pass that this console made for this
// browser.
func RefuseForgeries(c *gin.Context) {
	passed := false
	protection := nosurf.New(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		passed = true
		c.Request = r
		c.Next()
	}))
	protection.SetBaseCookie(*cookie(c, "hourbank_csrf", "", int(sessionAge.Seconds())))
	protection.SetIsTLSFunc(overTLS)
	protection.SetFailureHandler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { c.Request = r }))
	r := c.Request
	if r.Header.Get("Origin") == "" && r.Header.Get("Sec-Fetch-Site") == "" && r.Referer() == "" {
		// Every browser sends one of them with a form, so that this is none
		// that could be tricked. The token must be right all the same.
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	protection.ServeHTTP(c.Writer, r)
	if !passed {
		controllers.Fail(c, models.Errorf(models.CodeForbidden, "This form was not made by this console, or is too old. Go back, reload the page and try again."))
	}
}

// RenderErrors answers errors of the console's addresses as a page; they are
// logged as all others are.
func (h *Console) RenderErrors(c *gin.Context) {
	c.Next()
	last := c.Errors.Last()
	if last != nil && !c.Writer.Written() && strings.HasPrefix(c.Request.URL.Path, "/console/") {
		Headers(c)
		known := services.AsError(last.Err)
		if err := h.render(c, controllers.StatusOf(known.Code), "error", http.StatusText(controllers.StatusOf(known.Code)), known); err != nil {
			_ = c.Error(err) // and answered as JSON by the middleware around this one
		}
	}
}
