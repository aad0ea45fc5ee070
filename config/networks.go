package config

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Networks are addresses on the internet, or whole networks of them.
type Networks []netip.Prefix

// UnmarshalText reads "10.0.0.1" or "10.0.0.0/8", several with commas.
func (n *Networks) UnmarshalText(text []byte) error {
	var mistakes []error
	for i, entry := range strings.Split(string(text), ",") {
		entry = strings.TrimSpace(entry)
		network, err := netip.ParsePrefix(entry)
		if address, addressErr := netip.ParseAddr(entry); addressErr == nil {
			network, err = address.Prefix(address.BitLen())
		}
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("entry %d must be an address such as 10.0.0.1, or a network such as 10.0.0.0/8", i+1))
			continue
		}
		*n = append(*n, network)
	}
	return errors.Join(mistakes...)
}

// Contain says whether an address is in one of the networks.
func (n Networks) Contain(ip string) bool {
	address, err := netip.ParseAddr(ip)
	return err == nil && slices.ContainsFunc(n, func(network netip.Prefix) bool { return network.Contains(address.Unmap()) })
}

// Strings are the networks as they are written.
func (n Networks) Strings() []string {
	written := make([]string, len(n))
	for i, network := range n {
		written[i] = network.String()
	}
	return written
}
