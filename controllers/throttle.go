package controllers

import (
	"net/netip"
	"time"

	"github.com/gin-gonic/gin"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"hourbank/models"
)

const (
	// attemptsAtOnce is more than anybody mistypes, and more than a whole
	// office does behind one address.
	attemptsAtOnce = 30
	attemptsEvery  = 2 * time.Second

	// throttledAddresses bounds the memory to about a megabyte: beyond it,
	// who tried longest ago is forgotten.
	throttledAddresses = 10_000

	// ipv6Network is what one subscriber has at least.
	// https://www.rfc-editor.org/rfc/rfc6177
	ipv6Network = 64
)

// Throttle slows down, by address, who tries keys that nobody has. Keys are
// looked up first, so that one of ours is never refused because others tried.
// It is safe for concurrent use.
type Throttle struct {
	addresses *lru.Cache[netip.Prefix, *rate.Limiter]
}

// NewThrottle makes a throttle, which knows nobody yet.
func NewThrottle() *Throttle {
	addresses, err := lru.New[netip.Prefix, *rate.Limiter](throttledAddresses)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &Throttle{addresses}
}

// Attempt notes an attempt. Where there were too many, it returns a
// *models.Error with code too_many_attempts.
func (t *Throttle) Attempt(c *gin.Context) error {
	from := networkOf(c.ClientIP())
	limiter, known := t.addresses.Get(from)
	if !known {
		limiter = rate.NewLimiter(rate.Every(attemptsEvery), attemptsAtOnce)
		if first, overtaken, _ := t.addresses.PeekOrAdd(from, limiter); overtaken {
			limiter = first
		}
	}
	if !limiter.Allow() {
		return models.Errorf(models.CodeTooManyAttempts, "Too many attempts came from your address; please try again in a moment.")
	}
	return nil
}

// networkOf is what counts as one address. What is none is the same as all
// others that are none.
func networkOf(ip string) netip.Prefix {
	address, err := netip.ParseAddr(ip)
	if err != nil {
		return netip.Prefix{}
	}
	address = address.Unmap()
	bits := address.BitLen()
	if address.Is6() {
		bits = ipv6Network
	}
	return netip.PrefixFrom(address, bits).Masked()
}
