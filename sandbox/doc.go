// Package sandbox is a small stand-in for Stripe: it speaks, in memory, the
// part of Stripe's API that a product selling something for card payments and
// the Stripe CLI use, and sends signed webhooks for whatever changes.
//
// Amounts are integers in a currency's minor unit, times are whole Unix
// seconds, ids and shapes are Stripe's (https://docs.stripe.com/api). What
// Stripe decides by itself, such as the outcome of a dispute, is decided by the
// calls under /sandbox/, which are not Stripe's, or by Stripe's own test cards
// (https://docs.stripe.com/testing).
//
// Everything it knows stands behind one mutex, and a call holds it from its
// first check to its last event, so that no call ever sees half of another.
// Goroutines exist only under Run.
//
// This package serves: who may call, what a call is answered, and what
// misbehaves. Beneath it, payments and billing hold Stripe's objects and what
// they do, webhooks sends events, and api is what those have in common.
package sandbox
