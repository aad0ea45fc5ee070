package sessions

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"hourbank/config"
	"hourbank/models"
)

// providerTimeout bounds one question to the provider.
const providerTimeout = 10 * time.Second

// Provider signs people in with OpenID Connect: the code flow with PKCE. It is
// safe for concurrent use.
type Provider struct {
	cfg    *config.Config
	client *http.Client

	known  atomic.Pointer[discovered] // nil until the provider told about itself
	asking singleflight.Group
}

type discovered struct {
	oauth    oauth2.Config
	verifier *oidc.IDTokenVerifier
}

// NewProvider makes the provider; nil where none is set. It is asked about
// itself when somebody signs in, so that Hourbank starts without it.
func NewProvider(cfg *config.Config) *Provider {
	if !cfg.HasOIDC() {
		return nil
	}
	return &Provider{cfg: cfg, client: &http.Client{Timeout: providerTimeout}}
}

// Attempt is a sign-in under way. It is kept in the browser that began it.
type Attempt struct {
	State, Nonce, Verifier string
	Next                   string // the page to end on
}

// Begin gives the provider's address to send the browser to. It returns a
// *models.Error with code unavailable.
func (p *Provider) Begin(ctx context.Context, next string) (string, Attempt, error) {
	known, err := p.discover(ctx)
	if err != nil {
		return "", Attempt{}, err
	}
	attempt := Attempt{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Next: next}
	return known.oauth.AuthCodeURL(attempt.State, oidc.Nonce(attempt.Nonce), oauth2.S256ChallengeOption(attempt.Verifier)), attempt, nil
}

// Person is who signed in.
type Person struct {
	Name string // the e-mail address, where the provider verified it and it is nobody else's name; else "oidc:" and the subject
	Role config.Role
}

// Finish changes the provider's answer into who it is. It returns a
// *models.Error with code unauthorized, unavailable, or forbidden where none of
// the person's groups has a role.
func (p *Provider) Finish(ctx context.Context, attempt Attempt, state, code string) (*Person, error) {
	if subtle.ConstantTimeCompare([]byte(state), []byte(attempt.State)) != 1 {
		return nil, models.Errorf(models.CodeUnauthorized, "This sign-in was not begun in this browser, or is too old. Sign in again.")
	}
	known, err := p.discover(ctx)
	if err != nil {
		return nil, err
	}
	refused := func(err error) error {
		return &models.Error{Code: models.CodeUnauthorized, Message: "The sign-in could not be confirmed. Sign in again.", Err: err}
	}
	token, err := known.oauth.Exchange(p.with(ctx), code, oauth2.VerifierOption(attempt.Verifier))
	if err != nil {
		return nil, refused(fmt.Errorf("change a code into a token: %w", err))
	}
	raw, _ := token.Extra("id_token").(string) // none is refused as a malformed one
	id, err := known.verifier.Verify(p.with(ctx), raw)
	if err != nil {
		return nil, refused(fmt.Errorf("verify an ID token: %w", err))
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(attempt.Nonce)) != 1 {
		return nil, refused(nil)
	}
	var claims struct {
		Party         string `json:"azp"`
		Email         string `json:"email"`
		EmailVerified any    `json:"email_verified"` // some providers write "true"
		Groups        anyOf  `json:"groups"`
	}
	if err := id.Claims(&claims); err != nil {
		return nil, refused(fmt.Errorf("read an ID token: %w", err))
	}
	if (claims.Party != "" || len(id.Audience) > 1) && claims.Party != p.cfg.OIDCClientID { // https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
		return nil, refused(errors.New("the ID token was made for another client"))
	}
	if err := models.ValidateID("sub", id.Subject); err != nil {
		return nil, refused(err)
	}
	person := &Person{Name: "oidc:" + id.Subject, Role: p.cfg.OIDCGroups.RoleOf(claims.Groups)}
	if isTrue(claims.EmailVerified) && p.isName(claims.Email) {
		person.Name = claims.Email
	}
	if person.Role == config.RolePublic {
		return nil, models.Errorf(models.CodeForbidden, "%s is in no group that may use this console.", person.Name)
	}
	return person, nil
}

// anyOf is a list, which some providers write as its only text.
type anyOf []string

// UnmarshalJSON reads either.
func (l *anyOf) UnmarshalJSON(data []byte) error {
	var one string
	if data[0] == '"' && json.Unmarshal(data, &one) == nil {
		*l = anyOf{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(l))
}

func isTrue(claim any) bool { return claim == true || claim == "true" }

// isName says whether somebody may be named by the e-mail address: it must be one, and
// nobody else's name. A colon stands after what kind of actor another one is ("oidc:",
// "cli:").
func (p *Provider) isName(email string) bool {
	isKey := func(key config.APIKey) bool { return strings.EqualFold(key.Name, email) }
	return models.ValidateID("email", email) == nil && strings.Contains(email, "@") && !strings.Contains(email, ":") &&
		!slices.ContainsFunc(p.cfg.APIKeys, isKey)
}

func (p *Provider) with(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, p.client)
}

// discover asks the provider about itself, until it answered once. Whoever comes
// meanwhile waits for the same answer, and leaves when they like: the question is
// nobody's alone, and ends by providerTimeout.
func (p *Provider) discover(ctx context.Context) (*discovered, error) {
	if known := p.known.Load(); known != nil {
		return known, nil
	}
	asked := p.asking.DoChan("", func() (any, error) { return nil, p.ask(context.WithoutCancel(ctx)) })
	var err error
	select {
	case answer := <-asked:
		err = answer.Err
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return nil, &models.Error{Code: models.CodeUnavailable, Message: "The OpenID Connect provider gives no answer now; sign in with an API key, or try again.",
			Err: fmt.Errorf("discover %s: %w", p.cfg.OIDCIssuer, err)}
	}
	return p.known.Load(), nil
}

// ask fills in what is known. The provider's keys are asked for later, with the
// same context, which must not end.
func (p *Provider) ask(ctx context.Context) error {
	provider, err := oidc.NewProvider(p.with(ctx), p.cfg.OIDCIssuer)
	if err != nil {
		return err
	}
	var more struct {
		Scopes []string `json:"scopes_supported"`
	}
	if err := provider.Claims(&more); err != nil {
		return err
	}
	scopes := []string{oidc.ScopeOpenID, "email", "profile"}
	if slices.Contains(more.Scopes, "groups") { // some give groups for a scope, others refuse one they don't know
		scopes = append(scopes, "groups")
	}
	p.known.Store(&discovered{
		oauth: oauth2.Config{
			ClientID: p.cfg.OIDCClientID, ClientSecret: string(p.cfg.OIDCClientSecret), Endpoint: provider.Endpoint(),
			RedirectURL: strings.TrimSuffix(p.cfg.PublicURL, "/") + config.OIDCCallback, Scopes: scopes,
		},
		verifier: provider.Verifier(&oidc.Config{ClientID: p.cfg.OIDCClientID}),
	})
	return nil
}
