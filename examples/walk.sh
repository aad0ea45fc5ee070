#!/bin/sh
# Walks the whole API with nothing but curl: sells hours, lets the stand-in for
# Stripe pay them, books lessons, refunds, and looks at all of it. It ends with
# 1 at the first answer that is not as expected.
#
# Serve first, with a key that you choose:
#
#   API_KEYS=me:admin:a-long-key-of-my-own-x7Q2 go run . serve --sandbox
#   KEY=a-long-key-of-my-own-x7Q2 sh examples/walk.sh
set -eu

HOURBANK=${HOURBANK:-http://127.0.0.1:8000} # where Hourbank serves
STRIPE=${STRIPE:-http://127.0.0.1:12111}    # where the stand-in does
STRIPE_KEY=${STRIPE_KEY:-sk_test_sandbox}   # the key that the sandbox takes
: "${KEY:?set KEY to an API key with the role admin}"

api=$HOURBANK/api/finances
student=walk_$(date +%s)_$$
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

fail() {
	echo "FAILED: $*" >&2
	cat "$answer" >&2
	exit 1
}

# step STATUS WHAT METHOD ADDRESS [CURL OPTIONS]: asks, and wants the status.
step() {
	want=$1 what=$2 method=$3 address=$4
	shift 4
	got=$(curl -sS --max-time 30 -o "$answer" -w '%{http_code}' -X "$method" "$@" "$address") || fail "$what: no answer from $address"
	[ "$got" = "$want" ] || fail "$what: $method $address answered $got, not $want"
	echo "$got  $what"
}

# ask is step with the key. post is ask with a JSON body.
ask() {
	status=$1 what=$2 method=$3 path=$4
	shift 4
	step "$status" "$what" "$method" "$api$path" -H "Authorization: Bearer $KEY" "$@"
}
post() {
	status=$1 what=$2 path=$3 body=$4
	shift 4
	ask "$status" "$what" POST "$path" -H 'Content-Type: application/json' -d "$body" "$@"
}

# field NAME: the first such field of the answer, without its quotes.
field() { grep -o '"'"$1"'":\("[^"]*"\|[^,}]*\)' "$answer" | head -n 1 | sed 's/^[^:]*://; s/^"//; s/"$//'; }

# want NAME VALUE: the answer's field must be so.
want() {
	[ "$(field "$1")" = "$2" ] || fail "$1 is '$(field "$1")', not '$2'"
}

# until_field PATH NAME VALUE: asks until a field is so; Stripe's events take a moment.
until_field() {
	tries=0
	while :; do
		ask 200 "wait until $2 is $3" GET "$1" >/dev/null
		[ "$(field "$2")" = "$3" ] && break
		tries=$((tries + 1))
		[ "$tries" -lt 100 ] || fail "$2 is '$(field "$2")', and never became '$3'"
		sleep 0.2
	done
	echo "     $2 is $3"
}

# stripe WHAT PATH STATUS [CURL OPTIONS]: what the customer does, at the stand-in.
stripe() {
	what=$1 path=$2 status=$3
	shift 3
	step "$status" "$what" POST "$STRIPE/v1$path" -u "$STRIPE_KEY:" "$@"
}

echo "# Is it there?"
step 200 "the process runs" GET "$HOURBANK/healthz"
step 200 "the database answers" GET "$HOURBANK/readyz"
step 200 "metrics" GET "$HOURBANK/metrics"
step 200 "the OpenAPI document" GET "$HOURBANK/openapi.json"
step 200 "the document to read" GET "$HOURBANK/docs"

echo "# What is on sale, for everybody"
step 200 "plans" GET "$api/plans/"
plan=$(field id)
step 200 "Stripe's public key" GET "$api/stripe/config/"

echo "# Who may ask"
step 401 "no key" GET "$api/purchases/"
want code unauthorized
ask 404 "an address that is none" GET /nowhere/
want code not_found
ask 405 "a method that an address doesn't take" PUT /purchases/
want code method_not_allowed
ask 404 "a student who never bought anything" GET "/students/$student/balance/"

echo "# Sell 10 hours for 50.00 €"
order='{"student_id":"'$student'","hours":"10.00","amount":5000,"currency":"eur"}'
post 201 "a purchase" /purchases/ "$order" -H "Idempotency-Key: $student"
want payment_status pending
purchase=$(field id) intent=$(field stripe_payment_intent_id)
[ -n "$(field client_secret)" ] || fail "no client_secret"
post 201 "the same again, which makes no second one" /purchases/ "$order" -H "Idempotency-Key: $student"
want id "$purchase"
post 422 "another order with the same Idempotency-Key" /purchases/ '{"student_id":"'"$student"'","plan":"'"$plan"'"}' -H "Idempotency-Key: $student"
want code idempotency_mismatch
post 400 "an order without a price" /purchases/ '{"student_id":"'"$student"'","hours":"10.00"}'
want code invalid_request
post 422 "an order in another currency than the account's" /purchases/ '{"student_id":"'"$student"'","hours":"1.00","amount":500,"currency":"usd"}'
want code currency_mismatch
post 201 "an order paid on Stripe's page" /purchases/ \
	'{"student_id":"'"$student"'","hours":"1.00","amount":500,"currency":"eur","checkout":{"success_url":"https://example.com/thanks","cancel_url":"https://example.com/plans"}}'
[ -n "$(field url)" ] || fail "no url"
ask 200 "the purchase, by its PaymentIntent's id" GET "/purchases/$intent/"
want id "$purchase"
ask 200 "the student's purchases, one a page" GET "/purchases/?student_id=$student&limit=1"
ask 200 "and the next page" GET "/purchases/?student_id=$student&limit=1&cursor=$(field next_cursor)"
want id "$purchase"
ask 400 "a filter that is misspelt" GET "/purchases/?student=$student"

echo "# Pay, with a bad card, then with a good one"
stripe "a card that is declined" "/payment_intents/$intent/confirm" 402 -d payment_method=pm_card_chargeDeclined
until_field "/purchases/$purchase/" payment_status failed
stripe "a card that works" "/payment_intents/$intent/confirm" 200 -d payment_method=pm_card_visa
until_field "/purchases/$purchase/" payment_status completed
ask 200 "the balance" GET "/students/$student/balance/"
want hours_available 10.00
want balance_amount 5000

echo "# Lessons"
lesson='{"hours":"1.50","reference":"lesson_1"}'
post 201 "an hour and a half" "/students/$student/consumptions/" "$lesson"
want hours_available 8.50
post 200 "the same lesson again, which takes nothing" "/students/$student/consumptions/" "$lesson"
want hours_available 8.50
post 409 "more than is left" "/students/$student/consumptions/" '{"hours":"8.51","reference":"lesson_2"}'
want code insufficient_hours
ask 200 "the lesson is cancelled" DELETE "/students/$student/consumptions/lesson_1/"
want hours_available 10.00
ask 404 "a lesson that never was" DELETE "/students/$student/consumptions/lesson_9/"
post 201 "an hour as a courtesy" "/students/$student/adjustments/" '{"hours":"1.00","reason":"The teacher was late","reference":"ticket_1"}'
want hours_available 11.00
ask 200 "the balance as it was in 2020" GET "/students/$student/balance/?at=2020-01-01T00:00:00Z"
want hours_available 0.00

echo "# Give the price of two hours back"
post 201 "a refund" "/purchases/$purchase/refunds/" '{"hours":"2.00"}' -H "Idempotency-Key: $student-refund"
want amount 1000
until_field "/purchases/$purchase/" payment_status partially_refunded
post 400 "a refund of more than is left" "/purchases/$purchase/refunds/" '{"amount":4001}'
ask 200 "the balance" GET "/students/$student/balance/"
want hours_available 9.00
want balance_amount 4000
ask 200 "the students, the newest first" GET "/students/?created_from=2026-01-01&limit=1"
ask 200 "the ledger: credit, lesson, its return, courtesy, reversal" GET "/students/$student/ledger/"
[ "$(grep -o '"kind":' "$answer" | wc -l)" -eq 5 ] || fail "not five entries"

echo "# What Stripe told"
ask 200 "events that told of a success" GET "/events/?type=payment_intent.succeeded&limit=1"
event=$(field id)
ask 200 "one of them, as it was signed" GET "/events/$event/"
ask 200 "replayed, which changes nothing" POST "/events/$event/replay/"
want reason stale
step 400 "an event that nobody signed" POST "$api/webhooks/stripe/" -d '{"id":"evt_1","type":"payment_intent.succeeded"}'
want code missing_signature
step 400 "the same, at the subscriptions' address" POST "$api/webhooks/stripe/subscriptions/" -d '{"id":"evt_1","type":"invoice.paid"}'
want code missing_signature

echo "All as expected. Student $student has 9.00 hours."
