-- Which older programs may serve beside a newer schema, so that replicas can be upgraded
-- one by one. A later migration that only adds, or that takes away what programs of some
-- releases don't use any more, says so here; one that says nothing may stand beside none.

-- +goose Up
CREATE TABLE older_programs (
    migration bigint PRIMARY KEY,
    oldest    bigint NOT NULL -- programs that know this migration may serve, though they don't know that one
);
