package web_test

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"testing"

	"lanyard/internal/web"
)

func TestClientAddressBelievesOnlyProxies(t *testing.T) {
	trusted := web.Proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("127.0.0.1/32")}
	type h = map[string][]string
	for _, c := range []struct {
		name, remote string
		header       h
		want         string
		secure       bool
	}{
		{"no proxy, no header", "203.0.113.9:4000", nil, "203.0.113.9", false},
		{"a client that claims to be another", "203.0.113.9:4000", h{"X-Forwarded-For": {"198.51.100.1"}, "X-Forwarded-Proto": {"https"}, "Forwarded": {"for=198.51.100.1"}}, "203.0.113.9", false},
		{"one proxy", "10.0.0.5:4000", h{"X-Forwarded-For": {"198.51.100.1"}}, "198.51.100.1", true},
		{"the client wrote a hop before", "10.0.0.5:4000", h{"X-Forwarded-For": {"1.2.3.4, 198.51.100.1"}}, "198.51.100.1", true},
		{"the client wrote a header line before", "10.0.0.5:4000", h{"X-Forwarded-For": {"1.2.3.4", "198.51.100.1"}}, "198.51.100.1", true},
		{"two proxies", "10.0.0.5:4000", h{"X-Forwarded-For": {"1.2.3.4, 198.51.100.1, 10.2.3.4"}}, "198.51.100.1", true},
		{"proxies only", "10.0.0.5:4000", h{"X-Forwarded-For": {"10.9.9.9, 10.2.3.4"}}, "10.9.9.9", true},
		{"what is beyond nonsense is not believed", "10.0.0.5:4000", h{"X-Forwarded-For": {"1.2.3.4, unknown, 10.2.3.4"}}, "10.2.3.4", true},
		{"nonsense only", "10.0.0.5:4000", h{"X-Forwarded-For": {"unknown"}}, "10.0.0.5", true},
		{"Forwarded", "10.0.0.5:4000", h{"Forwarded": {`for=1.2.3.4, for="198.51.100.1:555";proto=https;by=10.0.0.5`}}, "198.51.100.1", true},
		{"Forwarded with IPv6", "10.0.0.5:4000", h{"Forwarded": {`For="[2001:db8::7]:555"`}}, "2001:db8::7", true},
		{"an obfuscated name", "10.0.0.5:4000", h{"Forwarded": {"for=_hidden"}}, "10.0.0.5", true},
		{"both, and they agree", "10.0.0.5:4000", h{"Forwarded": {"for=198.51.100.1;proto=https"}, "X-Forwarded-For": {"198.51.100.1"}, "X-Forwarded-Proto": {"https"}}, "198.51.100.1", true},
		{"both, and one is forged", "10.0.0.5:4000", h{"Forwarded": {"for=1.2.3.4"}, "X-Forwarded-For": {"198.51.100.1"}}, "10.0.0.5", true},
		{"http before the proxy", "10.0.0.5:4000", h{"X-Forwarded-For": {"198.51.100.1"}, "X-Forwarded-Proto": {"http"}}, "198.51.100.1", false},
		{"the client wrote a proto before", "10.0.0.5:4000", h{"X-Forwarded-For": {"198.51.100.1"}, "X-Forwarded-Proto": {"https, http"}}, "198.51.100.1", false},
		{"IPv4 in IPv6", "[::ffff:10.0.0.5]:4000", h{"X-Forwarded-For": {"::ffff:198.51.100.1"}}, "198.51.100.1", true},
		{"an IPv6 proxy", "[fd00::5]:4000", h{"X-Forwarded-For": {"2001:db8::7"}}, "2001:db8::7", true},
		{"a zone", "[fe80::1%eth0]:4000", nil, "fe80::1", false},
		{"the socket", "@", h{"X-Forwarded-For": {"198.51.100.1"}}, "invalid IP", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: c.remote, Header: c.header}
			got, secure := web.ClientAddress(r, trusted)
			if got.String() != c.want || secure != c.secure {
				t.Errorf("got %s, secure %t; want %s, %t", got, secure, c.want, c.secure)
			}
		})
	}
	r := &http.Request{RemoteAddr: "203.0.113.9:1", TLS: &tls.ConnectionState{}}
	if _, secure := web.ClientAddress(r, nil); !secure {
		t.Error("got TLS not secure")
	}
}

func FuzzClientAddress(f *testing.F) {
	f.Add("1.2.3.4, 10.0.0.1", `for="[2001:db8::7]:5";proto=https`)
	f.Add(",,", ";;=,")
	trusted := web.Proxies{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, old, std string) {
		h := http.Header{"X-Forwarded-For": {old}, "Forwarded": {std}}
		if got, _ := web.ClientAddress(&http.Request{RemoteAddr: "10.0.0.5:1", Header: h}, trusted); !got.IsValid() {
			t.Errorf("got no address from %q and %q", old, std)
		}
		if got, _ := web.ClientAddress(&http.Request{RemoteAddr: "203.0.113.9:1", Header: h}, trusted); got.String() != "203.0.113.9" {
			t.Errorf("got %s from a client that is no proxy", got)
		}
	})
}
