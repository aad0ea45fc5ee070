package console

import (
	"crypto/hmac"
	"crypto/rand"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"hourbank/controllers"
	"hourbank/models"
	"hourbank/services"
	"hourbank/services/sessions"
)

// contentPolicy lets a page load its stylesheet and charts and send its forms
// here, and nothing else: there are no scripts at all.
const contentPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// maxFormBytes bounds a form, which are all small.
const maxFormBytes = 64 << 10

// Headers are on every page.
func Headers(c *gin.Context) {
	c.Header("Content-Security-Policy", contentPolicy)
	// Not no-referrer, with which browsers also keep their Origin back.
	c.Header("Referrer-Policy", "same-origin")
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxFormBytes)
}

var errForged = models.Errorf(models.CodeForbidden, "This form was not made by this console, or is too old. Go back, reload the page and try again.")

// otherSites are told by what every browser says of where a form comes from.
var otherSites = http.NewCrossOriginProtection()

// RefuseForgeries lets no form of another site pass, the one to sign in
// included.
func RefuseForgeries(c *gin.Context) {
	if otherSites.Check(c.Request) != nil {
		controllers.Fail(c, errForged)
	}
}

// formToken shows that a form was made for this session. It is another one
// each time, so that no compression beside what somebody typed tells it.
func formToken(s *sessions.Session) string {
	if s == nil {
		return ""
	}
	salt := rand.Text()
	return salt + "." + s.MAC([]byte(salt))
}

// isFormOf says whether the token was made for this session.
func isFormOf(s *sessions.Session, token string) bool {
	salt, mac, _ := strings.Cut(token, ".")
	return hmac.Equal([]byte(mac), []byte(s.MAC([]byte(salt))))
}

// RenderErrors answers errors of the console's addresses as a page; they are
// logged as all others are.
func (h *Console) RenderErrors(c *gin.Context) {
	c.Next()
	last := c.Errors.Last()
	if last != nil && !c.Writer.Written() && !controllers.HungUp(c) && strings.HasPrefix(c.Request.URL.Path, "/console/") {
		Headers(c)
		known := services.AsError(last.Err)
		controllers.SayWhen(c, known.Code)
		if err := h.render(c, controllers.StatusOf(known.Code), "error", http.StatusText(controllers.StatusOf(known.Code)), known); err != nil {
			_ = c.Error(err) // and answered as JSON by the middleware around this one
		}
	}
}
