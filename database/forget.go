package database

import (
	"fmt"

	"gorm.io/gorm"
)

// guards are SQLite's triggers that keep rows whose they are.
const guards = `'hour_ledger_entries_no_update', 'audit_log_no_update', 'purchase_transactions_stay', 'student_account_balances_stay'`

// Forget runs work, the part of a transaction that gives a student's rows to a
// pseudonym: the one thing for which the database's guards step aside. On
// PostgreSQL they still look at each row (migration 13); on SQLite they are gone
// until work is done, while nobody else can write.
func Forget(tx *gorm.DB, pseudonym string, work func() error) error {
	before, after := []string{
		"SET CONSTRAINTS purchase_transactions_student_id_fkey, purchase_transactions_beneficiary_id_fkey DEFERRED",
		"SELECT set_config('hourbank.forgotten_as', '" + pseudonym + "', true)",
	}, []string{"SELECT set_config('hourbank.forgotten_as', '', true)"}
	if !IsPostgres(tx) {
		var triggers []struct{ Name, SQL string }
		if err := tx.Raw("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND name IN (" + guards + ")").Scan(&triggers).Error; err != nil {
			return fmt.Errorf("read the guards: %w", err)
		}
		before, after = []string{"PRAGMA defer_foreign_keys = on"}, nil
		for _, trigger := range triggers {
			before, after = append(before, "DROP TRIGGER "+trigger.Name), append(after, trigger.SQL)
		}
	}
	for _, statement := range before {
		if err := tx.Exec(statement).Error; err != nil {
			return fmt.Errorf("let the guards step aside: %w", err)
		}
	}
	if err := work(); err != nil {
		return err
	}
	for _, statement := range after {
		if err := tx.Exec(statement).Error; err != nil {
			return fmt.Errorf("put the guards back: %w", err)
		}
	}
	return nil
}
