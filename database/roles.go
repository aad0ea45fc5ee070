package database

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"
)

// mayMigrate refuses a role that serves only: the one that made the tables is
// the one that changes them.
func (db *DB) mayMigrate(ctx context.Context) error {
	if db.Engine == SQLite {
		return nil
	}
	var owner bool
	err := db.WithContext(ctx).Raw(`SELECT coalesce((SELECT pg_has_role(relowner, 'USAGE') FROM pg_class
		WHERE oid = to_regclass('goose_db_version')), true)`).Row().Scan(&owner)
	if err != nil {
		return fmt.Errorf("look whose the tables are: %w", err)
	}
	if !owner {
		return fmt.Errorf("%w with the DATABASE_URL of the role that owns the tables: this one only serves", ErrPending)
	}
	return nil
}

// CheckSchemaIsClosed refuses a schema in which every role may make something, as
// PostgreSQL's public is up to version 14: a function or operator there, of the right
// name, would run with the rights of the role that owns the tables.
func (db *DB) CheckSchemaIsClosed(ctx context.Context) error {
	if db.Engine == SQLite {
		return nil
	}
	var open bool
	var schema string
	err := db.WithContext(ctx).Raw(`SELECT coalesce(has_schema_privilege('public', current_schema(), 'CREATE'), false), coalesce(quote_ident(current_schema()), '')`).Row().Scan(&open, &schema)
	if err != nil {
		return fmt.Errorf("look who may make something in the schema: %w", err)
	}
	if open {
		return fmt.Errorf(`every role may create functions in the schema %[1]s, which would run as the role that owns the tables: run "REVOKE CREATE ON SCHEMA %[1]s FROM PUBLIC" first`, schema)
	}
	return nil
}

// MakeServingRole makes a role that serves and can't rewrite the books, or brings
// what it may do up to date: it reads and writes all tables, but only appends to
// the ledger and the audit log, deletes no purchase, account or case, moves no
// account but by an entry, and tells the platform nothing of its own. An empty password leaves it as it is.
func (db *DB) MakeServingRole(ctx context.Context, role, password string) error {
	if db.Engine == SQLite {
		return errors.New("SQLite has no roles: who may write its file may do anything")
	}
	if err := db.CheckSchemaIsClosed(ctx); err != nil {
		return err
	}
	return db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := checkServingRole(tx, role); err != nil {
			return err
		}
		for _, grant := range servingRole {
			var statement *string
			if err := tx.Raw(grant, map[string]any{"role": role, "password": password}).Row().Scan(&statement); err != nil {
				return fmt.Errorf("prepare %q: %w", grant, err)
			}
			if statement == nil {
				continue // not needed
			}
			// Not wrapped in its statement, which may hold the password.
			if err := tx.Exec(*statement).Error; err != nil {
				return fmt.Errorf("grant the role what it needs: %w", err)
			}
		}
		return nil
	})
}

// checkServingRole refuses a role that could do more whatever it is granted.
func checkServingRole(tx *gorm.DB, role string) error {
	var mighty bool
	err := tx.Raw(`SELECT coalesce((SELECT rolsuper OR pg_has_role(oid, current_user, 'MEMBER') FROM pg_roles WHERE rolname = ?), false)`, role).
		Row().Scan(&mighty)
	if err != nil {
		return fmt.Errorf("look for the role: %w", err)
	}
	if mighty {
		return fmt.Errorf("%s is a superuser, or may act as the role that owns the tables: choose another name", role)
	}
	return nil
}

// servingRole are queries that give the statements to run, with names quoted by
// the server; null: it is done already. What later migrations make is granted
// beforehand, so that an upgrade needs no other step.
var servingRole = []string{
	`SELECT CASE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = @role) THEN format('CREATE ROLE %I LOGIN', CAST(@role AS text)) END`,
	`SELECT CASE WHEN @password <> '' THEN format('ALTER ROLE %I PASSWORD %L', CAST(@role AS text), CAST(@password AS text)) END`,
	`SELECT format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), CAST(@role AS text))`,
	`SELECT format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM %I', current_schema(), CAST(@role AS text))`,
	`SELECT format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO %I', current_schema(), CAST(@role AS text))`,
	`SELECT format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %I', current_schema(), CAST(@role AS text))`,
	`SELECT format('REVOKE UPDATE, DELETE ON hour_ledger_entries, audit_log FROM %I', CAST(@role AS text))`,
	`SELECT format('REVOKE DELETE ON purchase_transactions, cases FROM %I', CAST(@role AS text))`,
	`SELECT format('REVOKE UPDATE, DELETE ON student_account_balances FROM %I', CAST(@role AS text))`,
	`SELECT format('GRANT UPDATE (currency, updated_at, lots_settled) ON student_account_balances TO %I', CAST(@role AS text))`,
	`SELECT format('REVOKE INSERT, UPDATE ON event_deliveries FROM %I', CAST(@role AS text))`, // triggers write what the platform is told
	`SELECT format('GRANT UPDATE (attempts, last_error, tried_since, next_attempt_at, delivered_at, failed_at) ON event_deliveries TO %I', CAST(@role AS text))`,
	`SELECT format('GRANT EXECUTE ON FUNCTION make_payload_month(timestamptz), drop_payload_month(timestamptz) TO %I', CAST(@role AS text))`,
	`SELECT format('REVOKE INSERT, UPDATE, DELETE ON goose_db_version, older_programs FROM %I', CAST(@role AS text))`,
}
