package egress_test

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"lanyard"
	"lanyard/internal/egress"
	"lanyard/internal/egress/egresstest"
)

// shapes are ways to write an address of the inside, or to hide one, as customers of
// others have tried (T27).
var shapes = []string{
	// One number for four.
	"https://2130706433/", "https://017700000001/", "https://0x7f000001/", "https://0X7F000001/", "https://2852039166/latest/meta-data",
	"https://3232235521/", "https://00000000000000000000177.1/", "https://0/", "https://4294967295/",
	// Parts that are octal, hexadecimal, left out, or too many.
	"https://0177.0.0.1/", "https://0x7f.0.0.1/", "https://127.1/", "https://127.0.1/", "https://10.1/", "https://0x7f.1/", "https://0x0a000001/",
	"https://0300.0250.0.1/", "https://127.0.0.1.1/", "https://127.000.000.001/", "https://0xA9.0xFE.0xA9.0xFE/", "https://169.254.43518/", "https://256.256.256.256/",
	// A dot at the end, or two, or none between.
	"https://127.0.0.1./", "https://localhost./", "https://169.254.169.254./", "https://127..0.1/", "https://.127.0.0.1/", "https://a.example../",
	// The ranges themselves.
	"https://127.0.0.1/", "https://127.255.255.254/", "https://0.0.0.0/", "https://0.1.2.3/", "https://10.0.0.1/", "https://172.16.0.1/", "https://172.31.255.255/",
	"https://192.168.0.1/", "https://169.254.169.254/", "https://169.254.170.2/", "https://100.64.0.1/", "https://100.100.100.200/", "https://192.0.0.192/",
	"https://192.0.2.1/", "https://198.51.100.1/", "https://203.0.113.1/", "https://198.18.0.1/", "https://192.88.99.1/", "https://224.0.0.1/", "https://239.255.255.250/",
	"https://240.0.0.1/", "https://255.255.255.255/", "https://168.63.129.16/",
	// IPv6, and IPv4 inside it.
	"https://[::1]/", "https://[::]/", "https://[0:0:0:0:0:0:0:1]/", "https://[0000::0001]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/",
	"https://[::ffff:169.254.169.254]/", "https://[::127.0.0.1]/", "https://[::ffff:0:127.0.0.1]/", "https://[64:ff9b::127.0.0.1]/", "https://[64:ff9b::a9fe:a9fe]/",
	"https://[64:ff9b:1::1]/", "https://[2002:7f00:1::]/", "https://[2002:a9fe:a9fe::1]/", "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/", "https://[2001::1]/",
	"https://[fc00::1]/", "https://[fd00:ec2::254]/", "https://[fe80::1]/", "https://[fec0::1]/", "https://[ff02::1]/", "https://[2001:db8::1]/", "https://[3fff::1]/",
	"https://[100::1]/", "https://[2001:20::1]/", "https://[5f00::1]/",
	// Zones.
	"https://[fe80::1%25eth0]/", "https://[::1%25lo]/", "https://[fe80::1%eth0]/", "https://[2606:2800:220:1:248:1893:25c8:1946%25eth0]/",
	// Names that exist inside only.
	"https://localhost/", "https://LOCALHOST/", "https://LocalHost./", "https://a.localhost/", "https://ip6-localhost/", "https://localhost.localdomain/",
	"https://metadata/", "https://metadata.google.internal/computeMetadata/v1/", "https://METADATA.Google.Internal./", "https://instance-data/", "https://kubernetes.default.svc.cluster.local/",
	"https://kubernetes/", "https://host.docker.internal/", "https://printer.local/", "https://router.lan/", "https://nas.home.arpa/", "https://wiki.intranet/", "https://hidden.onion/",
	// Digits and dots of other scripts, which become ASCII on the way.
	"https://１２７.０.０.１/", "https://①②⑦.0.0.1/", "https://127。0。0。1/", "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "https://%31%32%37.0.0.1/", "https://loc\u00adalhost/",
	// Users, and whatever makes one parser see another host than the next.
	"https://a.example@127.0.0.1/", "https://a.example:443@10.0.0.1/", "https://127.0.0.1:443@a.example/", "https://user:pw@a.example/", "https://@a.example/",
	`https://a.example\@127.0.0.1/`, `https:\\127.0.0.1/`, "https://a.example#@127.0.0.1/", "https://127.0.0.1#.a.example/", "https://a.example /", "https://a\tb.example/", "https://a.example\r\nHost: b/",
	"https:///127.0.0.1/", "https:127.0.0.1", "//a.example/", "https://[a.example]/", "https://[127.0.0.1]/", "https://a,b.example/", "https://*.example/",
	// Ports.
	"https://a.example:0/", "https://a.example:22/", "https://a.example:25/", "https://a.example:80/", "https://a.example:445/", "https://a.example:65536/", "https://a.example:99999/",
	"https://a.example:-1/", "https://a.example:443:443/", "https://93.184.216.34:25/", "https://[2606:2800:220:1:248:1893:25c8:1946]:22/",
	// Schemes.
	"http://a.example/", "http://127.0.0.1/", "http://[::1]/", "ftp://a.example/", "file:///etc/passwd", "gopher://a.example/", "dict://a.example:11211/", "ldap://a.example/",
	"unix:///var/run/docker.sock", "javascript:alert(1)", "data:text/plain,x", "jar:https://a.example!/", "HTTP://a.example/", "ws://a.example/", "",
}

// Each of them is refused by whoever takes a URL from a customer, and nothing is sent
// there by either way of sending.
func TestShapesAreRefused(t *testing.T) {
	asked := ""
	c, err := egress.New(egress.Config{Resolver: egresstest.Resolver(func(name string, _ int) []netip.Addr { asked = name; return nil })})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, u := range shapes {
		if seen[u] {
			t.Errorf("%q is there twice", u)
		}
		seen[u] = true
		if err := c.CheckURL("url", u); !errors.Is(err, lanyard.CodeInvalidRequest) {
			t.Errorf("%q: got %v when it is typed, want it refused", u, err)
		}
		if strings.Contains(u, "#") {
			continue // it is not a part of what is sent
		}
		asked = ""
		if a := c.Do(t.Context(), egress.Request{Method: http.MethodPost, URL: u}); a.Err == nil || a.Sent || a.Status != 0 || asked != "" {
			t.Errorf("%q: got %+v, want nothing sent", u, a)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, u, http.NoBody)
		if err != nil {
			continue
		}
		resp, err := c.HTTPClient().Do(r)
		if err == nil {
			_ = resp.Body.Close()
		}
		if err == nil || asked != "" {
			t.Errorf("%q: got %v, asked for %q, want it refused before a name is looked up", u, err, asked)
		}
	}
	if len(shapes) < 80 {
		t.Errorf("got %d shapes", len(shapes))
	}
	for _, u := range []string{"https://a.example/hook", "https://A.Example.:8443/hook?x=1", "https://xn--bcher-kva.example/", "https://93.184.216.34/", "https://1.a.example/", "https://0x7f.example/"} {
		if err := c.CheckURL("url", u); err != nil {
			t.Errorf("%q: got %v, want it allowed", u, err)
		}
	}
}

// Whatever the address, a name can resolve to it: then it is refused by the dialer,
// however innocent the name.
func TestNamesThatResolveInside(t *testing.T) {
	for _, text := range []string{
		"127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "169.254.170.2", "100.64.0.1", "100.100.100.200",
		"192.0.0.192", "192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "192.88.99.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "168.63.129.16",
		"::1", "::", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:20::1", "fc00::1", "fd00:ec2::254", "fe80::1",
		"fec0::1", "ff02::1", "2001:db8::1", "3fff::1", "100::1", "5f00::1",
	} {
		to, asked := netip.MustParseAddr(text), false
		c, err := egress.New(egress.Config{Resolver: egresstest.Resolver(func(name string, _ int) []netip.Addr {
			asked = true
			return []netip.Addr{to}
		})})
		if err != nil {
			t.Fatal(err)
		}
		a := c.Do(t.Context(), egress.Request{Method: http.MethodPost, URL: "https://hooks.example.com/"})
		if !errors.Is(a.Err, egress.ErrRefused) || a.Sent || !asked {
			t.Errorf("%s: got %+v (asked %v), want it refused after the name was looked up", text, a, asked)
		}
	}
}
