package services

import (
	"errors"

	"hourbank/database"
	"hourbank/models"
)

// AsError classifies any error: ours as it is, a database that can't work now
// as unavailable, everything else as a bug.
func AsError(err error) *models.Error {
	if known, ok := errors.AsType[*models.Error](err); ok {
		return known
	}
	if database.IsUnavailable(err) {
		return &models.Error{Code: models.CodeUnavailable, Message: "The database can't answer now; please try again.", Err: err}
	}
	return &models.Error{Code: models.CodeInternal, Message: "Something went wrong on our side.", Err: err}
}
