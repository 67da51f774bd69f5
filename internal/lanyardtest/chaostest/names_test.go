package chaostest_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"flag"
	"fmt"
	"log"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
)

// zone is where the providers with a name of their own live. The resolver of
// this process asks a name server of ours, and the system's list of authorities is
// one of ours: both before anything was looked up.
const zone = ".chaos.test"

// ours is the authority that everybody here believes.
var ours = newAuthority()

// thiefURL is where redirects lead. Nobody may ever follow one.
var thiefURL, thiefSaw = startThief()

func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue { // most of a round is waiting
		_ = f.Value.Set("48")
	}
	dir, err := os.MkdirTemp("", "chaos")
	if err != nil {
		panic(err)
	}
	file := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ours.cert.Raw}), 0o600); err != nil {
		panic(err)
	}
	for k, v := range map[string]string{"SSL_CERT_FILE": file, "SSL_CERT_DIR": dir} {
		if err := os.Setenv(k, v); err != nil {
			panic(err)
		}
	}
	startNames()
	log.SetOutput(stray)
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// stray is what libraries print past our logs.
var stray = &lanyardtest.Buffer{}

// startThief listens where redirects lead, and returns what counts its visitors.
func startThief() (string, func() int) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	var mu sync.Mutex
	seen := 0
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			seen++
			mu.Unlock()
			_ = c.Close()
		}
	}()
	return "http://" + l.Addr().String(), func() int {
		mu.Lock()
		defer mu.Unlock()
		return seen
	}
}

type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority() *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Chaos authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		panic(err)
	}
	return &authority{cert, key}
}

// certify makes a certificate for a name, good from and until so long from now.
func (a *authority) certify(t testing.TB, name string, from, until time.Duration) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{name},
		NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(until), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	raw, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
}

// newSecure starts a provider with a name and a certificate.
func newSecure(t testing.TB, class string) *hostile {
	t.Helper()
	h := newHostile(t, class)
	name := fmt.Sprintf("h%d%s", serial.Add(1), zone)
	_, port, _ := net.SplitHostPort(h.addr)
	h.name, h.base = name, "https://"+net.JoinHostPort(name, port)
	h.certificate(ours.certify(t, name, -time.Hour, time.Hour), 0)
	return h
}

// certificate is what it shows from now on; max is the newest version of TLS it speaks, 0: any.
func (h *hostile) certificate(c tls.Certificate, max uint16) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.config = &tls.Config{Certificates: []tls.Certificate{c}, MinVersion: tls.VersionTLS10, MaxVersion: max}
}

func tlsCells() []cell {
	shows := func(make func(h *hostile) tls.Certificate, max uint16) func(h *hostile) func() {
		return func(h *hostile) func() {
			was := h.config
			h.certificate(make(h), max)
			return func() {
				h.mu.Lock()
				defer h.mu.Unlock()
				h.config = was
			}
		}
	}
	shake := func(f func(c net.Conn)) func(h *hostile) func() {
		return func(h *hostile) func() {
			h.refuseConnections(func(c net.Conn) bool { f(c); return true })
			return h.mend
		}
	}
	hello := func(c net.Conn) { // it reads the beginning of what the client says
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, _ = c.Read(make([]byte, 64))
	}
	out := []cell{
		{name: "TLS: another name", down: shows(func(h *hostile) tls.Certificate { return ours.certify(h.t, "else"+zone, -time.Hour, time.Hour) }, 0)},
		{name: "TLS: expired", down: shows(func(h *hostile) tls.Certificate { return ours.certify(h.t, h.name, -2*time.Hour, -time.Minute) }, 0)},
		{name: "TLS: not yet good", down: shows(func(h *hostile) tls.Certificate { return ours.certify(h.t, h.name, time.Hour, 2*time.Hour) }, 0)},
		{name: "TLS: an authority nobody knows", down: shows(func(h *hostile) tls.Certificate {
			return newAuthority().certify(h.t, h.name, -time.Hour, time.Hour)
		}, 0)},
		{name: "TLS: 1.1 only", down: shows(func(h *hostile) tls.Certificate { return ours.certify(h.t, h.name, -time.Hour, time.Hour) }, tls.VersionTLS11)},
		{name: "TLS: closed at once", down: shake(func(c net.Conn) { _ = c.Close() })},
		{name: "TLS: reset at once", down: shake(reset)},
		{name: "TLS: cut after the first hello", down: shake(func(c net.Conn) { hello(c); _ = c.Close() })},
		{name: "TLS: reset after the first hello", down: shake(func(c net.Conn) { hello(c); reset(c) })},
		{name: "TLS: an alert", down: shake(func(c net.Conn) { hello(c); write(c, []byte{21, 3, 3, 0, 2, 2, 40}) })},
		{name: "TLS: plain HTTP instead", down: shake(func(c net.Conn) { hello(c); write(c, plain(400, page, html)) })},
		{name: "TLS: cut inside the handshake", down: func(h *hostile) func() {
			h.refuseConnections(func(c net.Conn) bool {
				_ = tls.Server(&shortConn{Conn: c, left: 300}, h.config.Clone()).Handshake()
				_ = c.Close()
				return true
			})
			return h.mend
		}},
		{name: "TLS: silent in the handshake", slow: true, down: shake(func(c net.Conn) {
			_ = c.SetReadDeadline(time.Now().Add(45 * time.Second))
			for b := make([]byte, 4096); ; {
				if _, err := c.Read(b); err != nil {
					return
				}
			}
		})},
	}
	for i := range out {
		out[i].secure, out[i].lasting, out[i].want = true, true, "not_sent"
	}
	return append(out,
		cell{name: "TLS: all well", secure: true, want: "ok", play: usable(good)},
		cell{name: "TLS: closed without goodbye behind the answer", secure: true, want: "ok ok_partial", play: spends(func(k *call) {
			k.arrives()
			write(k, []byte("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"+k.fill(good)))
			_ = k.Conn.(*tls.Conn).NetConn().Close()
		})},
		cell{name: "TLS: cut after the request, work done", secure: true, want: "unknown", play: spends(func(k *call) { k.reset() })},
	)
}

// shortConn lets only so many bytes out.
type shortConn struct {
	net.Conn
	left int
}

func (c *shortConn) Write(b []byte) (int, error) {
	n := min(len(b), c.left)
	c.left -= n
	if m, err := c.Conn.Write(b[:n]); err != nil || n < len(b) {
		_ = c.Close()
		return m, net.ErrClosed
	}
	return n, nil
}

// names is what our name server answers for some names otherwise than 127.0.0.1.
var names = struct {
	sync.Mutex
	fault map[string]string
}{fault: map[string]string{}}

func dnsCells() (out []cell) {
	for _, f := range []string{"NXDOMAIN", "SERVFAIL", "REFUSED", "no data", "cut", "silence", "10.11.12.13", "169.254.169.254", "0.0.0.0"} {
		out = append(out, cell{name: "DNS: " + f, secure: true, lasting: true, want: "not_sent", slow: f == "silence" || f == "cut", down: func(h *hostile) func() {
			names.Lock()
			defer names.Unlock()
			names.fault[h.name] = f
			return func() {
				names.Lock()
				defer names.Unlock()
				delete(names.fault, h.name)
			}
		}})
	}
	return out
}

// startNames makes the process ask our name server.
func startNames() {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		for b := make([]byte, 1500); ; {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			if answer := resolve(b[:n]); answer != nil {
				_, _ = c.WriteTo(answer, from)
			}
		}
	}()
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", c.LocalAddr().String())
	}}
}

// resolve answers one question (RFC 1035 §4.1).
func resolve(q []byte) []byte {
	if len(q) < 17 {
		return nil
	}
	var labels []string
	at := 12
	for at < len(q) && q[at] != 0 {
		n := int(q[at])
		if at+1+n > len(q) {
			return nil
		}
		labels = append(labels, string(q[at+1:at+1+n]))
		at += 1 + n
	}
	end := at + 5
	if end > len(q) {
		return nil
	}
	name, kind := strings.ToLower(strings.Join(labels, ".")), binary.BigEndian.Uint16(q[at+1:])
	names.Lock()
	fault := names.fault[name]
	names.Unlock()
	if !strings.HasSuffix(name, zone) {
		fault = "NXDOMAIN"
	}
	head := append([]byte(nil), q[:end]...)
	head[2], head[3] = 0x84, 0 // an answer, with authority
	copy(head[4:12], []byte{0, 1, 0, 0, 0, 0, 0, 0})
	address := net.IPv4(127, 0, 0, 1)
	switch fault {
	case "NXDOMAIN":
		head[3] = 3
		return head
	case "SERVFAIL":
		head[3] = 2
		return head
	case "REFUSED":
		head[3] = 5
		return head
	case "no data":
		return head
	case "silence":
		return nil
	case "cut":
		return head[:14]
	case "":
	default:
		address = net.ParseIP(fault)
	}
	if kind != 1 { // A
		return head
	}
	head[7] = 1
	return append(append(head, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4), address.To4()...)
}
