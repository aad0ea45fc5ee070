package cli

import (
	"net/http"
	"time"
)

// NewHTTPServer bounds what a sender may cost.
func NewHTTPServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:                      handler,
		DisableGeneralOptionsHandler: true, // "OPTIONS *" is answered as all else is

		ReadHeaderTimeout: 5 * time.Second, // slow senders hold only themselves
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       30 * time.Second,
		MaxHeaderBytes:    16 << 10,
	}
}
