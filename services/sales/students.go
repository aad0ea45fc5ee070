package sales

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/paging"
)

// SortStudent sorts accounts by their students' ids.
const SortStudent = "student"

// ScanPatience bounds what has to look at every row of a table: no page is
// worth more of a database's time.
const ScanPatience = 3 * time.Second

// AccountFilter picks accounts; what is empty picks all.
type AccountFilter struct {
	Text    string // any part of the student's id, in any case
	Balance string // of Balances
}

// The balances that accounts can be picked by.
const (
	BalanceOverdrawn = "overdrawn"
	BalanceLeft      = "left" // hours are left
	BalanceNone      = "none" // exactly none
)

// Balances are all of them.
var Balances = []string{BalanceOverdrawn, BalanceLeft, BalanceNone}

// List pages through accounts, the newest first: the one that was opened last.
// It returns a *models.Error with code invalid_request or invalid_cursor.
func (s *AccountService) List(ctx context.Context, filter AccountFilter, page paging.PageRequest) (paging.Page[models.Account], error) {
	ctx, cancel := context.WithTimeout(ctx, ScanPatience)
	defer cancel()
	query := s.db.Reader.WithContext(ctx)
	if filter.Text != "" {
		if err := models.ValidateText("text", filter.Text); err != nil {
			return paging.Page[models.Account]{}, err
		}
		query = query.Where(database.Contains(query, "student_id", filter.Text))
	}
	switch filter.Balance {
	case "":
	case BalanceOverdrawn:
		query = query.Where("overdrawn")
	case BalanceLeft:
		query = query.Where("hours_available > 0")
	case BalanceNone:
		query = query.Where("hours_available = 0")
	default:
		return paging.Page[models.Account]{}, models.Errorf(models.CodeInvalidRequest, "balance must be one of %s.", strings.Join(Balances, ", "))
	}
	// Only what the index holds, which may have to be looked through whole.
	var keys paging.Page[models.Account]
	var err error
	if page.Sort == SortStudent {
		order := paging.Order{Name: SortStudent, ID: "student_id", Upwards: true}
		query = page.Within(query.Select("student_id"), "created_at")
		keys, err = paging.Read(query, order, page, func(a *models.Account) paging.Position { return paging.Position{ID: a.StudentID} })
	} else {
		query = query.Select("student_id", "created_at")
		keys, err = paging.ByTime(query, "created_at", "student_id", page, func(a *models.Account) paging.Position { return paging.Position{Time: a.CreatedAt, ID: a.StudentID} })
	}
	if err == nil {
		err = s.fill(ctx, keys.Data)
	}
	return keys, err
}

// fill reads the accounts whose students' ids are given, each as it is now.
func (s *AccountService) fill(ctx context.Context, accounts []models.Account) error {
	ids := make([]string, len(accounts))
	for i, account := range accounts {
		ids[i] = account.StudentID
	}
	var rows []models.Account
	if err := s.db.Reader.WithContext(ctx).Where("student_id IN ?", ids).Find(&rows).Error; err != nil {
		return fmt.Errorf("read accounts: %w", err)
	}
	for _, row := range rows {
		accounts[slices.Index(ids, row.StudentID)] = row
	}
	for i := range accounts { // few have hours that expire
		if accounts[i].LotsSettled == nil {
			continue
		}
		account, err := s.Balance(ctx, accounts[i].StudentID)
		if err != nil {
			return err
		}
		accounts[i] = *account
	}
	return nil
}
