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

// IsForgotten says whether a student's id is such a pseudonym.
func IsForgotten(studentID string) bool {
	random, found := strings.CutPrefix(studentID, forgotten)
	return found && len(random) == 36 && uuid.Validate(random) == nil
}
