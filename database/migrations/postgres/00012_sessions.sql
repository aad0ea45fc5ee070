-- Who is signed in to the console: a row, so that signing out ends it for
-- every replica at once.

-- +goose Up
CREATE TABLE console_sessions (
    token_hash   text COLLATE "C" PRIMARY KEY, -- of the cookie's token: who reads the table can't sign in
    name         text NOT NULL,                -- of the API key or the person
    role         text NOT NULL,
    oidc         boolean NOT NULL,             -- signed in with OpenID Connect, not with an API key
    credential   text NOT NULL,                -- MAC of what proved it: another secret ends the session
    started_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL
);
