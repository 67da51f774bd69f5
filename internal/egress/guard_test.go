package egress

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"testing"

	"lanyard"
)

// T27: whatever a name resolves to, the dialer asks here. Each of these has been an SSRF somewhere.
func TestControl(t *testing.T) {
	closed := mustNew(t, Config{})
	loop := mustNew(t, Config{AllowLoopback: true})
	lan := mustNew(t, Config{AllowNetworks: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd12::/16")}})
	for _, c := range []struct {
		name, address string
		client        *Client
		ok            bool
	}{
		{"public", "93.184.216.34:443", closed, true},
		{"public v6", "[2606:2800:220:1:248:1893:25c8:1946]:443", closed, true},
		{"public, unprivileged port", "93.184.216.34:8443", closed, true},
		{"public, mail port", "93.184.216.34:25", closed, false},
		{"public, plain http port", "93.184.216.34:80", closed, false},
		{"loopback", "127.0.0.1:443", closed, false},
		{"all of loopback", "127.8.9.10:443", closed, false},
		{"loopback v6", "[::1]:443", closed, false},
		{"unspecified", "0.0.0.0:443", closed, false},
		{"unspecified v6", "[::]:443", closed, false},
		{"mapped loopback", "[::ffff:127.0.0.1]:443", closed, false},
		{"compatible loopback", "[::127.0.0.1]:443", closed, false},
		{"metadata", "169.254.169.254:443", closed, false},
		{"metadata v6", "[fd00:ec2::254]:443", closed, false},
		{"link-local v6", "[fe80::1]:443", closed, false},
		{"private 10", "10.0.0.1:443", closed, false},
		{"private 172", "172.16.0.1:443", closed, false},
		{"private 192", "192.168.1.1:443", closed, false},
		{"shared (CGNAT)", "100.64.0.1:443", closed, false},
		{"unique local", "[fc00::1]:443", closed, false},
		{"NAT64 of loopback", "[64:ff9b::7f00:1]:443", closed, false},
		{"NAT64, local prefix", "[64:ff9b:1::a00:1]:443", closed, false},
		{"6to4 of loopback", "[2002:7f00:1::]:443", closed, false},
		{"Teredo", "[2001:0:1::1]:443", closed, false},
		{"documentation", "192.0.2.1:443", closed, false},
		{"benchmarking", "198.18.0.1:443", closed, false},
		{"multicast", "224.0.0.1:443", closed, false},
		{"broadcast", "255.255.255.255:443", closed, false},
		{"not an address", "example.com:443", closed, false},
		{"loopback, allowed", "127.0.0.1:9", loop, true},
		{"loopback v6, allowed", "[::1]:9999", loop, true},
		{"mapped loopback stays refused", "[::ffff:127.0.0.1]:443", loop, false},
		{"private stays refused", "10.0.0.1:443", loop, false},
		{"metadata stays refused", "169.254.169.254:443", loop, false},
		{"opened network, any port", "10.1.2.3:25", lan, true},
		{"opened v6 network", "[fd12::1]:443", lan, true},
		{"beside the opened network", "10.2.0.1:443", lan, false},
		{"loopback not opened with it", "127.0.0.1:443", lan, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.client.control("tcp", c.address, nil)
			if got := err == nil; got != c.ok {
				t.Errorf("dialling %s: got %v, want allowed=%v", c.address, err, c.ok)
			}
			if err != nil && !errors.Is(err, ErrRefused) {
				t.Errorf("dialling %s: %v is not ErrRefused", c.address, err)
			}
		})
	}
}

func TestCheckURL(t *testing.T) {
	closed := mustNew(t, Config{})
	loop := mustNew(t, Config{AllowLoopback: true})
	for _, c := range []struct {
		name, url string
		client    *Client
		ok        bool
	}{
		{"https", "https://example.com/token", closed, true},
		{"with port", "https://example.com:8443/token", closed, true},
		{"http", "http://example.com/token", closed, false},
		{"other scheme", "ftp://example.com/", closed, false},
		{"file", "file:///etc/passwd", closed, false},
		{"gopher", "gopher://example.com/", closed, false},
		{"relative", "/token", closed, false},
		{"no host", "https:///token", closed, false},
		{"only a port", "https://:443/", closed, false},
		{"opaque", "https:example.com", closed, false},
		{"user", "https://zoom.us@evil.example/", closed, false},
		{"fragment", "https://example.com/#x", closed, false},
		{"literal private", "https://192.168.0.1/", closed, false},
		{"literal metadata", "https://169.254.169.254/latest", closed, false},
		{"literal mapped", "https://[::ffff:10.0.0.1]/", closed, false},
		{"localhost", "https://localhost/", closed, false},
		{"under localhost", "https://a.localhost/", closed, false},
		{"localhost with a dot", "https://a.localhost./", closed, false},
		{"loopback http", "http://127.0.0.1:9000/", closed, false},
		{"loopback http, allowed", "http://127.0.0.1:9000/", loop, true},
		{"localhost http, allowed", "http://localhost:9000/", loop, true},
		{"loopback v6 http, allowed", "http://[::1]:9000/", loop, true},
		{"http elsewhere stays refused", "http://10.0.0.1/", loop, false},
		{"control characters", "https://exa\nmple.com/", closed, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.client.CheckURL("endpoints.token", c.url)
			if got := err == nil; got != c.ok {
				t.Errorf("CheckURL(%q) = %v, want ok=%v", c.url, err, c.ok)
			}
			if err != nil && !errors.Is(err, lanyard.CodeInvalidRequest) {
				t.Errorf("CheckURL(%q) = %v, want an invalid_request", c.url, err)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	for _, cfg := range []Config{
		{Proxy: &url.URL{Scheme: "socks5", Host: "127.0.0.1:1080"}},
		{Proxy: &url.URL{Scheme: "http"}},
		{AllowNetworks: []netip.Prefix{{}}},
		{Dial: (&net.Dialer{}).DialContext}, // it knows no guard
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("New(%+v) made a client", cfg)
		}
	}
}

func mustNew(t *testing.T, cfg Config) *Client {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdle)
	return c
}
