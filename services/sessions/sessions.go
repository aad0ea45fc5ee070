// Package sessions keeps who is signed in to the console, and asks an OpenID
// Connect provider who somebody is.
package sessions

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"hourbank/config"
	"hourbank/database"
	"hourbank/models"
	"hourbank/services/auditlog"
)

const (
	// MaxAge is a working day; who is still there signs in again.
	MaxAge = 12 * time.Hour
	// MaxOIDCAge bounds how long a person who left a group keeps its role: only at
	// a sign-in the provider says which groups there are.
	MaxOIDCAge = time.Hour
	// formTime is what is left then for forms: their pages were opened before.
	formTime = 10 * time.Minute
	// MaxIdle is how long nobody may have been there: a long call, not a lunch.
	MaxIdle = time.Hour
	// seenEvery spares a write for each page.
	seenEvery = time.Minute
	// maxSkew is how far another replica's clock may be ahead.
	maxSkew = time.Minute
)

// Session is who is signed in: an API key or a person by name and role. Its
// token stands in the browser's cookie alone.
type Session struct {
	TokenHash  string `gorm:"primaryKey"`
	Name       string
	Role       string
	OIDC       bool   `gorm:"column:oidc"`
	Credential string // sealed: that nobody else made the session or changed it
	StartedAt  time.Time
	LastSeenAt time.Time

	Token string `gorm:"-"`
}

// TableName says where they are.
func (Session) TableName() string { return "console_sessions" }

// MAC binds something to the session: nobody else can make it.
func (s *Session) MAC(of []byte) string {
	mac := hmac.New(sha256.New, []byte(s.Token))
	mac.Write(of)
	return hex.EncodeToString(mac.Sum(nil))
}

// Seal binds who is signed in, as what and since when to the credential that they
// signed in with, which who writes the table doesn't know. It is for Start, and tests.
func (s *Session) Seal(credential []byte) { s.Credential = s.sealed(credential) }

// sealed is of fields that hold no U+0000 before what may.
func (s *Session) sealed(credential []byte) string {
	return s.MAC(fmt.Appendf(nil, "%s\x00%s\x00%t\x00%d\x00%s", s.Name, s.Role, s.OIDC, s.StartedAt.UnixMicro(), credential))
}

// OpensPages says whether the session still opens pages, and not only sends
// forms of those that it opened.
func (s *Session) OpensPages() bool { return !s.OIDC || time.Since(s.StartedAt) < MaxOIDCAge-formTime }

// Service keeps sessions. It is safe for concurrent use.
type Service struct {
	db  *database.DB
	cfg *config.Config
}

// New makes the service.
func New(db *database.DB, cfg *config.Config) *Service { return &Service{db: db, cfg: cfg} }

// Start signs somebody in, and forgets sessions that are over.
func (s *Service) Start(ctx context.Context, name string, role config.Role, oidc bool) (*Session, error) {
	credential, known := s.cfg.Credential(name, role, oidc)
	if !known {
		return nil, fmt.Errorf("sign in %q: there is no such key", name)
	}
	now := database.WallClock()
	session := &Session{Name: name, Role: role.String(), OIDC: oidc, StartedAt: now, LastSeenAt: now, Token: rand.Text()}
	session.TokenHash = hashOf(session.Token)
	session.Seal(credential)
	err := database.Transact(ctx, s.db, func(tx *gorm.DB) error {
		over := tx.Where("last_seen_at < ? OR started_at < ?", now.Add(-MaxIdle), now.Add(-MaxAge))
		return errors.Join(over.Delete(&Session{}).Error, tx.Create(session).Error,
			auditlog.Write(tx, name, models.ActionSignIn, name, ""))
	})
	if err != nil {
		return nil, fmt.Errorf("start a session: %w", err)
	}
	return session, nil
}

// Find gives the session of a token; nil where it was ended or never was, is
// too old, what it was started with is gone, or is not what its row says.
func (s *Service) Find(ctx context.Context, token string) (*Session, error) {
	now := database.WallClock()
	var found []*Session
	err := s.db.Reader.WithContext(ctx).Limit(1).
		Find(&found, "token_hash = ? AND last_seen_at BETWEEN ? AND ? AND started_at BETWEEN ? AND ?", hashOf(token),
			now.Add(-MaxIdle), now.Add(maxSkew), now.Add(-MaxAge), now.Add(maxSkew)).Error
	if err != nil {
		return nil, fmt.Errorf("find a session: %w", err)
	}
	if len(found) == 0 {
		return nil, nil
	}
	session := found[0]
	session.Token = token
	credential, known := s.cfg.Credential(session.Name, config.RoleNamed(session.Role), session.OIDC)
	if !known || !hmac.Equal([]byte(session.sealed(credential)), []byte(session.Credential)) {
		return nil, nil
	}
	if session.OIDC && now.Sub(session.StartedAt) > MaxOIDCAge {
		return nil, nil
	}
	if now.Sub(session.LastSeenAt) < seenEvery {
		return session, nil
	}
	if err := s.db.WithContext(ctx).Model(session).Update("last_seen_at", now).Error; err != nil {
		return nil, fmt.Errorf("prolong a session: %w", err)
	}
	return session, nil
}

// End signs somebody out, on every replica.
func (s *Service) End(ctx context.Context, session *Session) error {
	err := database.Transact(ctx, s.db, func(tx *gorm.DB) error {
		return errors.Join(tx.Delete(session).Error, auditlog.Write(tx, session.Name, models.ActionSignOut, session.Name, ""))
	})
	if err != nil {
		return fmt.Errorf("end a session: %w", err)
	}
	return nil
}

// hashOf is how a token is stored: it is random, so that a plain hash can't be
// turned back.
func hashOf(token string) string {
	hash := sha256.Sum256([]byte(token))
	return hex.EncodeToString(hash[:])
}
