package console

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gorilla/securecookie"

	"hourbank/config"
	"hourbank/controllers"
	"hourbank/models"
)

const (
	sessionCookie = "hourbank_session"
	sessionKey    = "console_session"
	// sessionAge is a working day; who is still there signs in again.
	sessionAge = 12 * time.Hour
)

// session is who is signed in: an API key by its name and role, never its
// secret. It lives in the cookie alone, so that any replica knows it.
type session struct {
	Name string `json:"name"`
	Role string `json:"role"`
}

func (s *session) role() config.Role { return roleNamed(s.Role) }

// roleNamed is public for a name that no role has.
func roleNamed(name string) config.Role {
	for role := config.RoleAdmin; role > config.RolePublic; role-- {
		if role.String() == name {
			return role
		}
	}
	return config.RolePublic
}

// newSessions signs, encrypts and dates the cookie.
func newSessions(key []byte) *securecookie.SecureCookie {
	return securecookie.New(key[:32], key[32:]).MaxAge(int(sessionAge.Seconds())).SetSerializer(securecookie.JSONEncoder{})
}

// cookie is the frame of every cookie of the console.
func cookie(c *gin.Context, name, value string, age int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure wherever there is TLS; a sandbox on a laptop has none
		Name: name, Value: value, Path: "/console", MaxAge: age,
		HttpOnly: true, Secure: overTLS(c.Request), SameSite: http.SameSiteLaxMode,
	}
}

// overTLS says whether the browser speaks TLS, to us or to the proxy before
// us. Who forges the header only hurts their own cookie.
func overTLS(r *http.Request) bool {
	return r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// sessionOf is nil where nobody is signed in.
func sessionOf(c *gin.Context) *session {
	s, _ := c.Get(sessionKey)
	known, _ := s.(*session)
	return known
}

// Session reads the cookie. One that is forged, too old, or of a key that is
// gone is as none.
func (h *Console) Session(c *gin.Context) {
	value, err := c.Cookie(sessionCookie)
	if err != nil {
		return
	}
	var s session
	if h.sessions.Decode(sessionCookie, value, &s) != nil {
		return
	}
	if _, known := h.cfg.APIKeys.Named(s.Name, s.role()); known {
		c.Set(sessionKey, &s)
		controllers.SetCaller(c, s.Name)
	}
}

// RequireRole asks who is not signed in to do so, and refuses who may not.
func RequireRole(role config.Role) gin.HandlerFunc {
	return func(c *gin.Context) {
		s := sessionOf(c)
		switch {
		case role == config.RolePublic:
		case s == nil:
			next := "/console/"
			if c.Request.Method == http.MethodGet {
				next = c.Request.URL.RequestURI()
			}
			c.Redirect(http.StatusSeeOther, "/console/sign-in/?next="+url.QueryEscape(next))
			c.Abort()
		case s.role() < role:
			controllers.Fail(c, models.Errorf(models.CodeForbidden, "This needs a key with the role %s; you are signed in with %s.", role, s.Role))
		}
	}
}

type signInPage struct {
	Next    string
	Mistake string
	NoKeys  bool
}

// SignInForm asks for an API key.
func (h *Console) SignInForm(c *gin.Context) error {
	return h.ok(c, "sign_in", "Sign in", signInPage{Next: localPath(c.Query("next")), NoKeys: len(h.cfg.APIKeys) == 0})
}

// SignIn changes an API key into a session.
func (h *Console) SignIn(c *gin.Context) error {
	next := localPath(c.PostForm("next"))
	key, known := h.cfg.APIKeys.Find(strings.TrimSpace(c.PostForm("key")))
	if !known {
		return h.render(c, http.StatusUnauthorized, "sign_in", "Sign in", signInPage{Next: next, Mistake: "No API key has this secret."})
	}
	value, err := h.sessions.Encode(sessionCookie, session{Name: key.Name, Role: key.Role.String()})
	if err != nil {
		return err
	}
	controllers.SetCaller(c, key.Name)
	if err := h.services.AuditLog.Write(c.Request.Context(), key.Name, models.ActionSignIn, key.Name); err != nil {
		return err
	}
	http.SetCookie(c.Writer, cookie(c, sessionCookie, value, int(sessionAge.Seconds())))
	return seeOther(c, next)
}

// SignOut forgets the session.
func (h *Console) SignOut(c *gin.Context) error {
	if s := sessionOf(c); s != nil {
		if err := h.services.AuditLog.Write(c.Request.Context(), s.Name, models.ActionSignOut, s.Name); err != nil {
			return err
		}
	}
	http.SetCookie(c.Writer, cookie(c, sessionCookie, "", -1))
	return seeOther(c, "/console/sign-in/?done=signedout")
}

// localPath keeps a sign-in from sending people to other sites.
func localPath(next string) string {
	address, err := url.Parse(next)
	if err != nil || address.Host != "" || address.Scheme != "" || !strings.HasPrefix(address.Path, "/console/") {
		return "/console/"
	}
	return address.RequestURI()
}
