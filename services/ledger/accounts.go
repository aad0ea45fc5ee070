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

// Open opens the students' accounts where they have none.
func Open(tx *gorm.DB, accounts []models.Account) error {
	slices.SortFunc(accounts, func(a, b models.Account) int { return cmp.Compare(a.StudentID, b.StudentID) })
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&accounts).Error; err != nil {
		return fmt.Errorf("open accounts: %w", err)
	}
	return nil
}

// LockFree locks and gives those of the students' accounts that nobody else has locked,
// in student order.
func LockFree(tx *gorm.DB, students []string) ([]*models.Account, error) {
	var accounts []*models.Account
	free := clause.Locking{Strength: clause.LockingStrengthUpdate, Options: clause.LockingOptionsSkipLocked}
	if err := tx.Clauses(free).Where(database.IsAnyOf(tx, "student_id", students)).Order("student_id").Find(&accounts).Error; err != nil {
		return nil, fmt.Errorf("lock accounts: %w", err)
	}
	return accounts, nil
}

// OpenAccounts opens the students' accounts where they have none, gives those
// the currency that have none yet (a grant opened them) or that nothing keeps
// in another one (TakesCurrency), and answers all as they are then. No account
// answered changes its currency before the transaction ends. It returns
// database.ErrConflict where another transaction changed one meanwhile.
//
// All are locked at once, in order and as strongly as any needs to be: a lock that is
// raised later waits for others that wait to raise theirs.
func OpenAccounts(tx *gorm.DB, accounts []models.Account) ([]models.Account, error) {
	slices.SortFunc(accounts, func(a, b models.Account) int { return cmp.Compare(a.StudentID, b.StudentID) })
	known, err := ReadAccounts(tx, accounts)
	if err != nil {
		return nil, err
	}
	strength, missing := "KEY SHARE", len(known) < len(accounts) // whoever names a currency waits for it
	if missing {
		if err := Open(tx, accounts); err != nil {
			return nil, err
		}
	}
	if missing || anyLacks(known, accounts) {
		strength = clause.LockingStrengthUpdate
	}
	opened, err := ReadAccounts(tx.Clauses(clause.Locking{Strength: strength}), accounts)
	if err != nil {
		return nil, err
	}
	if strength != clause.LockingStrengthUpdate && anyLacks(opened, accounts) {
		return nil, database.ErrConflict
	}
	for i := range opened {
		if err := nameCurrency(tx, &opened[i], accounts[i].Currency); err != nil {
			return nil, err
		}
	}
	return opened, nil
}

// lacks says whether an account has not the currency that is wanted; nil: any.
func lacks(account *models.Account, wanted *string) bool {
	return wanted != nil && (account.Currency == nil || *account.Currency != *wanted)
}

// anyLacks says so of accounts and those that are wanted, in the same order.
func anyLacks(accounts, wanted []models.Account) bool {
	for i := range accounts {
		if lacks(&accounts[i], wanted[i].Currency) {
			return true
		}
	}
	return false
}

// nameCurrency gives a locked account the currency that it lacks, if it takes it.
func nameCurrency(tx *gorm.DB, account *models.Account, wanted *string) error {
	if !lacks(account, wanted) {
		return nil
	}
	takes, err := TakesCurrency(tx, account, *wanted)
	if err != nil || !takes {
		return err
	}
	if err := tx.Model(account).Update("currency", *wanted).Error; err != nil {
		return fmt.Errorf("give an account its currency: %w", err)
	}
	account.Currency = wanted
	return nil
}

// TakesCurrency says whether an account can be in a currency: it is already, or has
// none, or nothing was booked in the one it has and all that we sold the student in it is
// cancelled, or a gift to somebody else. What others began and nobody paid keeps nobody
// (Purchase.KeepsCurrency).
func TakesCurrency(tx *gorm.DB, account *models.Account, currency string) (bool, error) {
	if account.Currency == nil || *account.Currency == currency {
		return true, nil
	}
	var kept bool
	err := tx.Raw(`SELECT EXISTS (SELECT 1 FROM hour_ledger_entries WHERE student_id = @student AND currency IS NOT NULL)
		OR EXISTS (SELECT 1 FROM purchase_transactions WHERE student_id = @student AND beneficiary_id IS NULL AND origin = @sale AND currency <> @currency AND payment_status <> 'cancelled')`,
		map[string]any{"student": account.StudentID, "currency": currency, "sale": models.OriginSale}).Row().Scan(&kept)
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
