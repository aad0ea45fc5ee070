package services

import (
	"context"
	"time"

	"hourbank/database"
	"hourbank/models"
)

// HealthService says whether this replica can serve.
type HealthService struct{ db *database.DB }

// NewHealthService makes the service.
func NewHealthService(db *database.DB) *HealthService { return &HealthService{db: db} }

// Ready checks, within two seconds, that the database answers and has the schema
// that this program knows. It returns a *models.Error with code unavailable.
func (s *HealthService) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	err := s.db.Ping(ctx)
	if err == nil {
		err = s.db.CheckSchema(ctx)
	}
	if err != nil {
		return &models.Error{Code: models.CodeUnavailable, Message: "The database is not reachable, or its schema is not of this version.", Err: err}
	}
	return nil
}
