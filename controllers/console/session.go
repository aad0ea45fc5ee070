package console

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"hourbank/config"
	"hourbank/controllers"
	"hourbank/controllers/console/protection"
	"hourbank/models"
	"hourbank/services/sessions"
)

const (
	sessionCookie = "hourbank_session"
	sessionKey    = "console_session"
)

// sessionOf is nil where nobody is signed in.
func sessionOf(c *gin.Context) *sessions.Session {
	s, _ := c.Get(sessionKey)
	known, _ := s.(*sessions.Session)
	return known
}

// Session finds who is signed in.
func (h *Console) Session(c *gin.Context) {
	token := h.cookies.Get(c, sessionCookie)
	if token == "" {
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
		case s == nil, asked && !s.OpensPages():
			next := protection.Home
			if asked {
				next = c.Request.URL.RequestURI()
			}
			c.Redirect(http.StatusSeeOther, signInAddress+"?next="+url.QueryEscape(next))
			c.Abort()
		case !asked && !protection.IsFormOf(s, c.PostForm("csrf_token")):
			controllers.Fail(c, protection.ErrForged)
		case config.RoleNamed(s.Role) < role:
			controllers.Fail(c, models.Errorf(models.CodeForbidden, "This needs the role %s; you are signed in with %s.", role, s.Role))
		}
	}
}

const signInAddress = "/console/sign-in/"

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
	return h.signInPage(c, http.StatusOK, protection.InConsole(c.Query("next")), "")
}

// SignIn changes an API key into a session.
func (h *Console) SignIn(c *gin.Context) error {
	next := protection.InConsole(c.PostForm("next"))
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
	h.cookies.Set(c, sessionCookie, session.Token, sessions.MaxAge)
	return seeOther(c, next)
}

// SignOut ends the session.
func (h *Console) SignOut(c *gin.Context) error {
	if err := h.services.Sessions.End(c.Request.Context(), sessionOf(c)); err != nil {
		return err
	}
	h.cookies.Set(c, sessionCookie, "", protection.Remove)
	return seeOther(c, signInAddress+"?done=signedout")
}
