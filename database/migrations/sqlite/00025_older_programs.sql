-- See the same migration of PostgreSQL.

-- +goose Up
CREATE TABLE older_programs (
    migration integer PRIMARY KEY,
    oldest    integer NOT NULL
);
