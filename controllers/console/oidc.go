package console

import (
	"slices"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gorilla/securecookie"

	"hourbank/controllers/console/protection"
	"hourbank/models"
	"hourbank/services/sessions"
)

const (
	attemptCookie = "hourbank_sign_in"
	// attemptAge is how long somebody may take to sign in at the provider.
	attemptAge = 10 * time.Minute
)

// newAttempts signs, encrypts and dates the cookie in which a sign-in under
// way is kept, so that it ends in the browser in which it began.
func newAttempts(key []byte) *securecookie.SecureCookie {
	return securecookie.New(key[:32], key[32:]).MaxAge(int(attemptAge.Seconds())).SetSerializer(securecookie.JSONEncoder{})
}

// BeginOIDC sends the browser to the OpenID Connect provider. The provider may
// have to be asked here and at the end, and so each counts as an attempt.
func (h *Console) BeginOIDC(c *gin.Context) error {
	if err := h.throttle.Attempt(c); err != nil {
		return err
	}
	address, attempt, err := h.services.OIDC.Begin(c.Request.Context(), protection.InConsole(c.Query("next")))
	if err != nil {
		return err
	}
	value, err := h.attempts.Encode(attemptCookie, attempt)
	if err != nil {
		return err
	}
	h.cookies.Set(c, attemptCookie, value, attemptAge)
	return seeOther(c, address)
}

// refusals are the codes that a provider may send. Others are words of whoever made
// the link. https://datatracker.ietf.org/doc/html/rfc6749#section-4.1.2.1
// https://openid.net/specs/openid-connect-core-1_0.html#AuthError
var refusals = []string{
	"invalid_request", "unauthorized_client", "access_denied", "unsupported_response_type", "invalid_scope", "server_error",
	"temporarily_unavailable", "interaction_required", "login_required", "account_selection_required", "consent_required",
	"invalid_request_uri", "invalid_request_object", "request_not_supported", "request_uri_not_supported", "registration_not_supported",
}

// FinishOIDC changes what the provider answered into a session.
func (h *Console) FinishOIDC(c *gin.Context) error {
	if err := h.throttle.Attempt(c); err != nil {
		return err
	}
	if refusal := c.Query("error"); refusal != "" {
		if !slices.Contains(refusals, refusal) {
			return models.Errorf(models.CodeUnauthorized, "The OpenID Connect provider refused.")
		}
		return models.Errorf(models.CodeUnauthorized, "The OpenID Connect provider refused: %s.", refusal)
	}
	var attempt sessions.Attempt
	if h.attempts.Decode(attemptCookie, h.cookies.Get(c, attemptCookie), &attempt) != nil {
		return models.Errorf(models.CodeUnauthorized, "This sign-in was not begun in this browser, or is too old. Sign in again.")
	}
	h.cookies.Set(c, attemptCookie, "", protection.Remove)
	person, err := h.services.OIDC.Finish(c.Request.Context(), attempt, c.Query("state"), c.Query("code"))
	if err != nil {
		return err
	}
	return h.start(c, person.Name, person.Role, true, protection.InConsole(attempt.Next))
}
