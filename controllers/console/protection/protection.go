// Package protection keeps other sites and strangers from using the browser of
// who is signed in to the console.
package protection

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/gin-gonic/gin"

	"hourbank/controllers"
	"hourbank/models"
	"hourbank/services/sessions"
)

// Home is the console's first page.
const Home = "/console/"

// contentPolicy lets a page load its stylesheet and charts and send its forms
// here, and nothing else: there are no scripts at all.
const contentPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// maxFormBytes bounds a form, which are all small: strangers may send the one
// to sign in.
const maxFormBytes = 8 << 10

// Headers are on every page.
func Headers(c *gin.Context) {
	c.Header("Content-Security-Policy", contentPolicy)
	// Not no-referrer, with which browsers also keep their Origin back.
	c.Header("Referrer-Policy", "same-origin")
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxFormBytes)
}

// ErrForged is what a form is refused with that was not made for this browser.
var ErrForged = models.Errorf(models.CodeForbidden, "This form was not made by this console, or is too old. Go back, reload the page and try again.")

// otherSites are told by what every browser says of where a form comes from.
var otherSites = http.NewCrossOriginProtection()

// RefuseForgeries lets no form of another site pass, the one to sign in
// included.
func RefuseForgeries(c *gin.Context) {
	if otherSites.Check(c.Request) != nil {
		controllers.Fail(c, ErrForged)
	}
}

// FormToken shows that a form was made for this session. It is another one
// each time, so that no compression beside what somebody typed tells it.
func FormToken(s *sessions.Session) string {
	if s == nil {
		return ""
	}
	salt := rand.Text()
	return salt + "." + s.MAC([]byte(salt))
}

// IsFormOf says whether the token was made for this session.
func IsFormOf(s *sessions.Session, token string) bool {
	salt, mac, _ := strings.Cut(token, ".")
	return hmac.Equal([]byte(mac), []byte(s.MAC([]byte(salt))))
}

// maxNext bounds a page to go on to, as JSON writes it: a sign-in under way keeps it in
// a cookie, of which browsers take 4096 bytes.
const maxNext = 1024

// InConsole keeps a sign-in from sending people elsewhere: browsers take a
// backslash for a slash, and dots for a way out. It is Home, too, where next is too
// long to be kept.
func InConsole(next string) string {
	address, err := url.Parse(next)
	if err != nil || address.IsAbs() || address.Host != "" || address.User != nil || strings.Contains(next, `\`) ||
		!strings.HasPrefix(address.Path, Home) || !strings.HasPrefix(path.Clean(address.Path)+"/", Home) {
		return Home
	}
	page := address.RequestURI()
	if written, err := json.Marshal(page); err != nil || len(written) > maxNext {
		return Home
	}
	return page
}
