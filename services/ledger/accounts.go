package ledger

import (
	"cmp"
	"fmt"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hourbank/database"
	"hourbank/models"
)

// OpenAccounts opens the students' accounts where they have none, gives those
// the currency that have none yet (a grant opened them), and answers all as
// they are then: the first currency stays.
func OpenAccounts(tx *gorm.DB, accounts []models.Account) ([]models.Account, error) {
	slices.SortFunc(accounts, func(a, b models.Account) int { return cmp.Compare(a.StudentID, b.StudentID) })
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&accounts).Error; err != nil {
		return nil, fmt.Errorf("open accounts: %w", err)
	}
	opened, err := ReadAccounts(tx, accounts)
	if err != nil {
		return nil, err
	}
	named := false
	for i, account := range opened {
		if account.Currency != nil || accounts[i].Currency == nil {
			continue
		}
		named = true
		err := tx.Model(&models.Account{}).Where("student_id = ? AND currency IS NULL", account.StudentID).
			Update("currency", accounts[i].Currency).Error
		if err != nil {
			return nil, fmt.Errorf("give an account its currency: %w", err)
		}
	}
	if named {
		return ReadAccounts(tx, accounts)
	}
	return opened, nil
}

// ReadAccounts reads the accounts of these students, in their order.
func ReadAccounts(tx *gorm.DB, accounts []models.Account) ([]models.Account, error) {
	students := make([]string, len(accounts))
	for i, account := range accounts {
		students[i] = account.StudentID
	}
	read := make([]models.Account, 0, len(accounts))
	if err := tx.Where(database.IsAnyOf(tx, "student_id", students)).Order("student_id").Find(&read).Error; err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	return read, nil
}
