package models

import (
	"strings"

	"github.com/google/uuid"
)

// forgotten begins the pseudonyms of students who were forgotten.
const forgotten = "forgotten_"

// NewPseudonym is for a student who is to be forgotten: nothing leads from it to
// the student.
func NewPseudonym() string { return forgotten + uuid.NewString() }

// ValidateStudent checks the id of a student who is to buy or be given hours: nothing
// is kept of what a pseudonym's events say. It returns an *Error with code
// invalid_request.
func ValidateStudent(field, studentID string) error {
	if IsForgotten(studentID) {
		return Errorf(CodeInvalidRequest, "%s must not look like that of a student who was forgotten.", field)
	}
	return ValidateID(field, studentID)
}

// IsForgotten says whether a student's id is such a pseudonym.
func IsForgotten(studentID string) bool {
	random, found := strings.CutPrefix(studentID, forgotten)
	return found && len(random) == 36 && uuid.Validate(random) == nil
}
