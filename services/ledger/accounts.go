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
// the currency that have none yet (a grant opened them) or that nothing keeps
// in another one (TakesCurrency), and answers all as they are then. No account
// answered changes its currency before the transaction ends.
func OpenAccounts(tx *gorm.DB, accounts []models.Account) ([]models.Account, error) {
	slices.SortFunc(accounts, func(a, b models.Account) int { return cmp.Compare(a.StudentID, b.StudentID) })
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&accounts).Error; err != nil {
		return nil, fmt.Errorf("open accounts: %w", err)
	}
	held := tx.Clauses(clause.Locking{Strength: "KEY SHARE"}) // nameCurrency waits for it
	opened, err := ReadAccounts(held, accounts)
	if err != nil {
		return nil, err
	}
	named := false
	for i, account := range opened {
		if wanted := accounts[i].Currency; wanted != nil && (account.Currency == nil || *account.Currency != *wanted) {
			named = true
			if err := nameCurrency(tx, account.StudentID, *wanted); err != nil {
				return nil, err
			}
		}
	}
	if named {
		return ReadAccounts(held, accounts)
	}
	return opened, nil
}

// nameCurrency gives an account a currency, if it takes it.
func nameCurrency(tx *gorm.DB, studentID, currency string) error {
	var account models.Account
	if err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Where("student_id = ?", studentID).Take(&account).Error; err != nil {
		return fmt.Errorf("lock an account: %w", err)
	}
	takes, err := TakesCurrency(tx, &account, currency)
	if err != nil || !takes {
		return err
	}
	if err := tx.Model(&account).Update("currency", currency).Error; err != nil {
		return fmt.Errorf("give an account its currency: %w", err)
	}
	return nil
}

// TakesCurrency says whether an account can be in a currency: it is already, or has
// none, or nothing was booked in the one it has and all that was sold in it is
// cancelled.
func TakesCurrency(tx *gorm.DB, account *models.Account, currency string) (bool, error) {
	if account.Currency == nil || *account.Currency == currency {
		return true, nil
	}
	var kept bool
	err := tx.Raw(`SELECT EXISTS (SELECT 1 FROM hour_ledger_entries WHERE student_id = @student AND currency IS NOT NULL)
		OR EXISTS (SELECT 1 FROM purchase_transactions WHERE (student_id = @student AND beneficiary_id IS NULL OR beneficiary_id = @student) AND currency <> @currency AND payment_status <> 'cancelled')`,
		map[string]any{"student": account.StudentID, "currency": currency}).Row().Scan(&kept)
	if err != nil {
		return false, fmt.Errorf("look what keeps an account's currency: %w", err)
	}
	return !kept, nil
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
