package services

import (
	"context"
	"errors"
	"time"

	"hourbank/database"
	"hourbank/models"
)

// HealthService says whether this replica can serve.
type HealthService struct{ db *database.DB }

// NewHealthService makes the service.
func NewHealthService(db *database.DB) *HealthService { return &HealthService{db: db} }

// Ready checks, within two seconds, that the database answers and is
// migrated. It returns a *models.Error with code unavailable.
func (s *HealthService) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	err := s.db.Ping(ctx)
	if err == nil {
		var pending bool
		if pending, err = s.db.HasPendingMigrations(ctx); pending {
			err = errors.New("migrations are pending; run \"hourbank migrate up\"")
		}
	}
	if err != nil {
		return &models.Error{Code: models.CodeUnavailable, Message: "The database is not reachable or not migrated.", Err: err}
	}
	return nil
}
