package egress

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// insideNames are names, and all below them, that mean something on this machine or
// in its network only (RFC 6761, RFC 6762, RFC 7686, RFC 8375, and ICANN's internal).
var insideNames = []string{"localhost", "localdomain", "local", "internal", "intranet", "lan", "home.arpa", "onion"}

// checkHost refuses hosts that some resolver or other takes for an address which is
// not written as one, and names that exist inside only. What a name resolves to is
// checked when it is dialled; this says so before, to whoever typed it.
func (c *Client) checkHost(u *url.URL) error {
	host := strings.ToLower(u.Hostname())
	if strings.ContainsRune(host, '%') {
		return fmt.Errorf("%w: an address with a zone", ErrRefused)
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return nil // judged as what it is
	}
	for _, r := range host {
		if r != '.' && r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') {
			return fmt.Errorf("%w: a host has letters, digits, dots and hyphens; others are written with xn--", ErrRefused)
		}
	}
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	for _, l := range labels {
		if l == "" {
			return fmt.Errorf("%w: a part of the host is empty", ErrRefused)
		}
	}
	// 127.1, 2130706433, 0x7f.1 and 0177.0.0.1 are addresses to many, and so is all that ends in a number (WHATWG URL).
	if number(labels[len(labels)-1]) {
		return fmt.Errorf("%w: an address is written as four numbers, or as IPv6", ErrRefused)
	}
	if len(openNetworks(c.cfg)) > 0 {
		return nil // the operator has something inside that is to be reached
	}
	if len(labels) == 1 {
		return fmt.Errorf("%w: a name without a dot is one of the inside", ErrRefused)
	}
	for _, name := range insideNames {
		if strings.HasSuffix(strings.Join(labels, "."), "."+name) {
			return fmt.Errorf("%w: names under %s are of the inside", ErrRefused, name)
		}
	}
	return nil
}

// number says whether a label is a decimal, octal or hexadecimal number.
func number(label string) bool {
	if hex, ok := strings.CutPrefix(label, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}

// portOf is the port of a URL, also where it is not said.
func portOf(u *url.URL) (uint16, error) {
	text := u.Port()
	switch {
	case text == "" && u.Scheme == "http":
		return 80, nil
	case text == "":
		return 443, nil
	}
	p, err := strconv.ParseUint(text, 10, 16)
	if err != nil || p == 0 {
		return 0, fmt.Errorf("%w: there is no such port", ErrRefused)
	}
	return uint16(p), nil
}
