package controllers

import (
	"errors"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"
	"golang.org/x/sync/semaphore"

	"hourbank/models"
)

// Strangers can send as many and as large bodies as they like, before anything
// about them can be checked.
const (
	// smallBody is how many bytes every request may send; most events have fewer.
	smallBody = 8 << 10
	// memoryOfBodies is how many all larger bodies may take together, from
	// their reading until they are answered.
	memoryOfBodies = 16 << 20
)

const memoryKey = "memory_of_bodies"

// memory is what the body of one request takes of all bodies'.
type memory struct {
	of    *semaphore.Weighted
	taken int64
}

// BoundBodies bounds what the bodies of all requests take together, of which
// each may be as large as largest.
func BoundBodies(largest int64) gin.HandlerFunc {
	all := semaphore.NewWeighted(max(memoryOfBodies, 2*largest))
	return func(c *gin.Context) {
		m := &memory{of: all}
		c.Set(memoryKey, m)
		defer func() { m.of.Release(m.taken) }()
		c.Next()
	}
}

// ReadBody reads the raw bytes of a request, up to limit bytes. It returns a
// *models.Error with code payload_too_large, invalid_request, or overloaded
// where a larger body doesn't fit in with the others'.
func ReadBody(c *gin.Context, limit int64) ([]byte, error) {
	promised := c.Request.ContentLength // -1: unknown
	if promised > limit {
		return nil, tooLarge(limit)
	}
	if promised < 0 {
		promised = limit
	}
	from := http.MaxBytesReader(c.Writer, c.Request.Body, limit)
	body := make([]byte, min(promised, smallBody))
	n, err := io.ReadFull(from, body)
	if err == nil && promised > smallBody {
		m := c.MustGet(memoryKey).(*memory) //nolint:forcetypeassert // BoundBodies has set it
		if !m.of.TryAcquire(promised) {
			return nil, models.Errorf(models.CodeOverloaded, "Too many large requests are being read; please try again.")
		}
		m.taken += promised
		body = append(make([]byte, 0, promised), body...)[:promised]
		var more int
		more, err = io.ReadFull(from, body[n:])
		n += more
	}
	if err == nil && c.Request.ContentLength < 0 { // it may be one byte too long
		_, err = io.ReadFull(from, make([]byte, 1))
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge(limit)
	}
	if c.Request.ContentLength < 0 && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) {
		err = nil // it promised no length
	}
	if err != nil {
		return nil, &models.Error{Code: models.CodeInvalidRequest, Message: "The body could not be read to its end.", Err: err}
	}
	return body[:n], nil
}

func tooLarge(limit int64) error {
	return models.Errorf(models.CodePayloadTooLarge, "The body is larger than %d bytes.", limit)
}
