// Package models holds what Hourbank keeps: rows and their statuses, errors and
// their codes, and checks of input. The pure rules that turn evidence into
// hours are in its package money. Nothing in either reaches outside the
// process.
package models
