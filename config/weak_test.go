package config_test

import (
	"slices"
	"strings"
	"testing"

	"hourbank/config"
)

func TestWhatWouldCrossTheNetworkInClear(t *testing.T) {
	for url, warned := range map[string]bool{
		"sqlite:hourbank.db":                                false,
		"postgres://u:p@localhost/x":                        false,
		"postgres://u@127.0.0.1:5432/":                      false,
		"postgres://u@[::1]:5432/x":                         false,
		"postgres:///x?host=/run":                           false,
		"postgres://u@db/x":                                 true,
		"postgres://u@db/x?sslmode=disable":                 true,
		"postgres://u@localhost,db:5433/x?sslmode=prefer":   true,
		"postgres://u@db.internal/x?sslmode=require":        false,
		"postgres://u@a:5432,b:5432/x?sslmode=verify-full":  false,
		"postgresql://u@[2001:db8::1]:5432/x?sslmode=allow": true,
	} {
		c, err := config.Load(map[string]string{"DATABASE_URL": url, "API_KEYS": "a:read:" + long("")})
		if err != nil {
			t.Fatal(err)
		}
		found := slices.ContainsFunc(c.Warnings(), func(w string) bool { return strings.Contains(w, "without TLS") })
		if found != warned {
			t.Errorf("%s: warned %t, want %t", url, found, warned)
		}
	}
	for base, ok := range map[string]bool{"http://stripe.proxy": false, "https://stripe.proxy": true, "http://127.0.0.1:12111": true} {
		if _, err := config.Load(map[string]string{"STRIPE_SECRET_KEY": "rk_live_1", "STRIPE_API_BASE": base}); (err == nil) != ok {
			t.Errorf("a live key over %s: %v", base, err)
		}
	}
}
