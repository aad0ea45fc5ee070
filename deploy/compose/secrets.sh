#!/usr/bin/env bash
# Makes the files of compose.yaml's secrets that are not there yet: passwords, and what
# it asks for of Stripe. Each is readable by the user of the service that reads it alone,
# for which it needs root.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p secrets
chmod 0755 secrets

postgres=999 hourbank=65532 grafana=472

# keep NAME USER keeps its input, unless there is such a secret.
keep() {
    [ ! -e "secrets/$1" ] || { cat >/dev/null; return; }
    (umask 077 && cat >"secrets/$1")
    chown "$2" "secrets/$1"
    chmod 0400 "secrets/$1"
}
random() { printf '%s' "$(openssl rand -hex 24)"; }
# ask NAME QUESTION keeps the answer.
ask() {
    [ ! -e "secrets/$1" ] || return 0
    local answer
    read -r -s -p "$2: " answer
    echo
    printf '%s' "$answer" | keep "$1" "$hourbank"
}

random | keep postgres_password "$postgres"
random | keep serve_password "$hourbank"
random | keep grafana_password "$grafana"
printf 'postgres://hourbank:%s@postgres/hourbank' "$(cat secrets/postgres_password)" | keep owner_url "$hourbank"
printf 'postgres://hourbank_serve:%s@postgres/hourbank' "$(cat secrets/serve_password)" | keep serve_url "$hourbank"
printf 'admin:admin:%s' "$(random)" | keep api_keys "$hourbank"
ask stripe_key "Stripe's secret key (rk_… or sk_…)"
ask webhook_secret "the endpoint's signing secret (whsec_…)"
