package console

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"hourbank/config"
	"hourbank/controllers"
	"hourbank/models"
	"hourbank/services/sessions"
)

const (
	sessionCookie = "hourbank_session"
	sessionKey    = "console_session"
)

// cookieName binds a cookie to this host and to TLS, where there is TLS: a
// sandbox on a laptop has none. https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Set-Cookie#cookie_prefixes
func (h *Console) cookieName(c *gin.Context, name string) string {
	if h.overTLS(c.Request) {
		return "__Host-" + name
	}
	return name
}

// setCookie sets a cookie for an age, or removes it: -1.
func (h *Console) setCookie(c *gin.Context, name, value string, age time.Duration) {
	http.SetCookie(c.Writer, &http.Cookie{ //nolint:gosec // Secure wherever there is TLS
		Name: h.cookieName(c, name), Value: value, Path: "/", MaxAge: int(age / time.Second),
		HttpOnly: true, Secure: h.overTLS(c.Request), SameSite: http.SameSiteLaxMode,
	})
}

// overTLS says whether the browser speaks TLS, to us or to the proxy before
// us. Who forges the header only hurts their own cookie.
func (h *Console) overTLS(r *http.Request) bool {
	return strings.HasPrefix(h.cfg.PublicURL, "https://") || r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// sessionOf is nil where nobody is signed in.
func sessionOf(c *gin.Context) *sessions.Session {
	s, _ := c.Get(sessionKey)
	known, _ := s.(*sessions.Session)
	return known
}

// Session finds who is signed in.
func (h *Console) Session(c *gin.Context) {
	token, err := c.Cookie(h.cookieName(c, sessionCookie))
	if err != nil {
		return
	}
	session, err := h.services.Sessions.Find(c.Request.Context(), token)
	switch {
	case err != nil:
		controllers.Fail(c, err)
	case session != nil:
		c.Set(sessionKey, session)
		controllers.SetCaller(c, session.Name)
	}
}

// RequireRole asks who is not signed in to do so, and refuses who may not, and
// forms that were not made for this session.
func (h *Console) RequireRole(role config.Role) gin.HandlerFunc {
	return func(c *gin.Context) {
		if role == config.RolePublic {
			return
		}
		if h.Session(c); c.IsAborted() {
			return
		}
		asked, s := c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead, sessionOf(c)
		switch {
		case s == nil:
			next := home
			if asked {
				next = c.Request.URL.RequestURI()
			}
			c.Redirect(http.StatusSeeOther, signInAddress+"?next="+url.QueryEscape(next))
			c.Abort()
		case !asked && !isFormOf(s, c.PostForm("csrf_token")):
			controllers.Fail(c, errForged)
		case config.RoleNamed(s.Role) < role:
			controllers.Fail(c, models.Errorf(models.CodeForbidden, "This needs the role %s; you are signed in with %s.", role, s.Role))
		}
	}
}

const (
	home          = "/console/"
	signInAddress = "/console/sign-in/"
)

type signInPage struct {
	Next    string
	Mistake string
	Keys    bool // somebody has an API key
	OIDC    bool
}

func (h *Console) signInPage(c *gin.Context, status int, next, mistake string) error {
	return h.render(c, status, "sign_in", "Sign in", signInPage{Next: next, Mistake: mistake, Keys: len(h.cfg.APIKeys) > 0, OIDC: h.cfg.HasOIDC()})
}

// SignInForm asks for an API key.
func (h *Console) SignInForm(c *gin.Context) error {
	return h.signInPage(c, http.StatusOK, inConsole(c.Query("next")), "")
}

// SignIn changes an API key into a session.
func (h *Console) SignIn(c *gin.Context) error {
	next := inConsole(c.PostForm("next"))
	key, known := h.cfg.APIKeys.Find(strings.TrimSpace(c.PostForm("key")))
	if !known {
		if err := h.throttle.Attempt(c); err != nil {
			return err
		}
		return h.signInPage(c, http.StatusUnauthorized, next, "No API key has this secret.")
	}
	return h.start(c, key.Name, key.Role, false, next)
}

// start signs somebody in, and goes on to a page.
func (h *Console) start(c *gin.Context, name string, role config.Role, oidc bool, next string) error {
	session, err := h.services.Sessions.Start(c.Request.Context(), name, role, oidc)
	if err != nil {
		return err
	}
	controllers.SetCaller(c, name)
	h.setCookie(c, sessionCookie, session.Token, sessions.MaxAge)
	return seeOther(c, next)
}

// SignOut ends the session.
func (h *Console) SignOut(c *gin.Context) error {
	if err := h.services.Sessions.End(c.Request.Context(), sessionOf(c)); err != nil {
		return err
	}
	h.setCookie(c, sessionCookie, "", -time.Second)
	return seeOther(c, signInAddress+"?done=signedout")
}

// inConsole keeps a sign-in from sending people elsewhere: browsers take a
// backslash for a slash, and dots for a way out.
func inConsole(next string) string {
	address, err := url.Parse(next)
	if err != nil || address.IsAbs() || address.Host != "" || address.User != nil || strings.Contains(next, `\`) ||
		!strings.HasPrefix(address.Path, home) || !strings.HasPrefix(path.Clean(address.Path)+"/", home) {
		return home
	}
	return address.RequestURI()
}
