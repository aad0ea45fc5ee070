package protection

import (
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"hourbank/config"
)

// Cookies are the console's.
type Cookies struct {
	PublicURL string          // how browsers reach us; empty: as they say
	Proxies   config.Networks // whose X-Forwarded-Proto is believed
}

// name binds a cookie to this host and to TLS, where there is TLS: a sandbox
// on a laptop has none. https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Set-Cookie#cookie_prefixes
func (k Cookies) name(c *gin.Context, name string) string {
	if k.overTLS(c) {
		return "__Host-" + name
	}
	return name
}

// Get reads a cookie; "" is none.
func (k Cookies) Get(c *gin.Context, name string) string {
	value, _ := c.Cookie(k.name(c, name)) // it fails where there is none
	return value
}

// Set sets a cookie for an age; Remove is one.
func (k Cookies) Set(c *gin.Context, name, value string, age time.Duration) {
	http.SetCookie(c.Writer, &http.Cookie{ //nolint:gosec // Secure wherever there is TLS
		Name: k.name(c, name), Value: value, Path: "/", MaxAge: int(age / time.Second),
		HttpOnly: true, Secure: k.overTLS(c), SameSite: http.SameSiteLaxMode,
	})
}

// Remove is the age of a cookie that goes.
const Remove = -time.Second

// overTLS says whether the browser speaks TLS, to us or to the proxy before us.
func (k Cookies) overTLS(c *gin.Context) bool {
	if strings.HasPrefix(k.PublicURL, "https://") || c.Request.TLS != nil {
		return true
	}
	first, _, _ := strings.Cut(c.GetHeader("X-Forwarded-Proto"), ",") // of several proxies, the browser's
	return strings.EqualFold(strings.TrimSpace(first), "https") && k.Proxies.Contain(c.RemoteIP())
}
