package web

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the networks of reverse proxies that we believe.
type Proxies []netip.Prefix

func (p Proxies) trust(a netip.Addr) bool {
	for _, n := range p {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// ClientAddress is the one function that finds where a request comes from, and
// whether it came over https. Forwarded (RFC 7239) and X-Forwarded-For,
// X-Forwarded-Proto are believed only when the peer is a trusted proxy; then the
// right-most address that is no trusted proxy is the client's. What is left of
// it was written by the client and can be anything.
//
// A proxy sets one of the headers and lets the other pass, so if both are there
// and disagree, one of them is the client's forgery, and neither is believed.
func ClientAddress(r *http.Request, trusted Proxies) (addr netip.Addr, secure bool) {
	addr = peerAddress(r.RemoteAddr)
	secure = r.TLS != nil
	if !addr.IsValid() || !trusted.trust(addr) {
		return addr, secure
	}
	std, stdProto := forwarded(r.Header.Values("Forwarded"))
	old, oldProto := strings.Join(r.Header.Values("X-Forwarded-For"), ","), lastToken(r.Header.Values("X-Forwarded-Proto"))
	proto := oldProto
	switch a, b := rightmost(std, trusted), rightmost(splitList(old), trusted); {
	case len(std) > 0 && old != "":
		if a.IsValid() && a == b {
			addr = a
		}
		if stdProto != oldProto {
			proto = ""
		}
	case len(std) > 0:
		proto = stdProto
		if a.IsValid() {
			addr = a
		}
	case old != "":
		if b.IsValid() {
			addr = b
		}
	}
	// A trusted proxy that does not say is taken to be https: the operator put
	// it there to be that.
	return addr, secure || proto == "https" || proto == "" && r.TLS == nil
}

// peerAddress parses RemoteAddr; invalid for a unix socket.
func peerAddress(remote string) netip.Addr {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	return parseAddr(host)
}

// parseAddr reads an address as proxies write it: with or without port,
// brackets, quotes, zone; mapped IPv4 becomes IPv4.
func parseAddr(s string) netip.Addr {
	s = strings.Trim(strings.TrimSpace(s), `"`)
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

// rightmost walks from the nearest hop outwards. An element that is no address
// ("unknown", "_hidden") ends the walk: what is beyond it cannot be believed.
func rightmost(hops []string, trusted Proxies) netip.Addr {
	var last netip.Addr
	for i := len(hops) - 1; i >= 0; i-- {
		a := parseAddr(hops[i])
		if !a.IsValid() {
			return last
		}
		last = a
		if !trusted.trust(a) {
			return a
		}
	}
	return last
}

// forwarded returns the for= of each element, in order, and the last proto=.
func forwarded(values []string) (hops []string, proto string) {
	for _, element := range splitList(strings.Join(values, ",")) {
		hop := ""
		for pair := range strings.SplitSeq(element, ";") {
			k, v, _ := strings.Cut(strings.TrimSpace(pair), "=")
			switch strings.ToLower(k) {
			case "for":
				hop = v
			case "proto":
				proto = strings.ToLower(strings.Trim(v, `"`))
			}
		}
		hops = append(hops, hop)
	}
	return hops, proto
}

func splitList(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func lastToken(values []string) string {
	parts := strings.Split(strings.Join(values, ","), ",")
	return strings.ToLower(strings.TrimSpace(parts[len(parts)-1]))
}

// originKey is what limits count by: an IPv4 address, or the /64 of an IPv6
// one, since whoever has one address there has them all.
func originKey(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return "none"
	}
	if a.Is6() {
		p, _ := a.Prefix(64)
		return p.String()
	}
	return a.String()
}
