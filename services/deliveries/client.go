package deliveries

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

const (
	answerTimeout = 10 * time.Second // from dialling to the end of the answer
	largestAnswer = 64 << 10         // bytes of it that are read, and of its headers
)

var errPrivate = errors.New("is a private address, which EVENTS_ALLOW_PRIVATE does not allow")

// newClient makes what sends. It follows no redirect, which could lead anywhere, and
// asks no proxy, which would connect past isPublic.
func newClient(allowPrivate bool) *http.Client {
	dialer := &net.Dialer{Timeout: answerTimeout}
	if !allowPrivate {
		// The address that is connected to, not one that a name had a moment ago.
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			known, err := netip.ParseAddrPort(address)
			if err != nil || !isPublic(known.Addr()) {
				return fmt.Errorf("%s %w", address, errPrivate)
			}
			return nil
		}
	}
	return &http.Client{
		Timeout:       answerTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, ForceAttemptHTTP2: true, DisableCompression: true, MaxResponseHeaderBytes: largestAnswer,
			MaxIdleConnsPerHost: atOnce, IdleConnTimeout: time.Minute,
		},
	}
}

// notPublic are networks that reach, or may stand for, what is inside.
// https://www.iana.org/assignments/iana-ipv4-special-registry
// https://www.iana.org/assignments/iana-ipv6-special-registry
var notPublic = networks(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
	"192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
	"168.63.129.16/32",                                     // Azure's own to each machine
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", // the first and third hold IPv4 addresses
)

// worldwide are the IPv6 addresses that are given out for the internet.
var worldwide = netip.MustParsePrefix("2000::/3")

func networks(written ...string) []netip.Prefix {
	parsed := make([]netip.Prefix, len(written))
	for i, network := range written {
		parsed[i] = netip.MustParsePrefix(network)
	}
	return parsed
}

// isPublic says whether an address is somebody's on the internet.
func isPublic(address netip.Addr) bool {
	address = address.Unmap()
	return (address.Is4() || worldwide.Contains(address)) &&
		!slices.ContainsFunc(notPublic, func(n netip.Prefix) bool { return n.Contains(address) })
}

// drop reads an answer, so that its connection can be used again, and closes it.
func drop(answer *http.Response) error {
	if answer.StatusCode == http.StatusSwitchingProtocols {
		return answer.Body.Close() // it is the connection, to which no timeout applies any more
	}
	_, err := io.Copy(io.Discard, io.LimitReader(answer.Body, largestAnswer))
	return errors.Join(err, answer.Body.Close())
}
