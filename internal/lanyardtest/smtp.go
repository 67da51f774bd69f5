package lanyardtest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Letter is an e-mail as a mail server was given it.
type Letter struct {
	From, To string // of the envelope
	Header   mail.Header
	Subject  string // decoded
	Plain    string
	HTML     string
	Raw      string
	TLS      bool
	User     string // who signed in
}

// MailServer is a real SMTP server that we did not write, on this machine.
type MailServer struct {
	t    testing.TB
	Addr string
	CA   string // file with the authority of its certificate

	mu      sync.Mutex
	letters []Letter
	server  *smtp.Server
	at      net.Listener
	options MailOptions
}

// MailOptions say how a MailServer is; the zero value takes everything, in plain text.
type MailOptions struct {
	STARTTLS       bool
	User, Password string                  // needed, if set
	Sender         func(from string) error // to MAIL
	Answer         func(to string) error   // to RCPT, before anything is taken
	After          func(l Letter) error    // to DATA; an error is what the client hears, and the letter is kept all the same
	Name           string                  // in the certificate; default: 127.0.0.1 and localhost
}

// NewMailServer starts one. It ends with the test.
func NewMailServer(t testing.TB, options MailOptions) *MailServer {
	t.Helper()
	m := &MailServer{t: t, options: options}
	m.Start()
	t.Cleanup(m.Stop)
	return m
}

// Start has it listen, on the address of before if there was one.
func (m *MailServer) Start() {
	m.t.Helper()
	s := smtp.NewServer(m)
	s.Domain, s.AllowInsecureAuth = "mail.test", !m.options.STARTTLS
	s.ReadTimeout, s.WriteTimeout = 10*time.Second, 10*time.Second
	s.ErrorLog = quiet{}
	if m.options.STARTTLS {
		cert, key := Certificate(m.t, m.options.Name)
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			m.t.Fatal(err)
		}
		m.CA, s.TLSConfig = cert, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	address := m.Addr
	if address == "" {
		address = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		m.t.Fatal(err)
	}
	m.Addr, m.server, m.at = l.Addr().String(), s, l
	go func() { _ = s.Serve(l) }()
}

// Stop ends it; what it was given stays.
func (m *MailServer) Stop() { _, _ = m.at.Close(), m.server.Close() }

// Letters are those it was given so far.
func (m *MailServer) Letters() []Letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Letter(nil), m.letters...)
}

// NewSession is for the server.
func (m *MailServer) NewSession(c *smtp.Conn) (smtp.Session, error) {
	_, secure := c.TLSConnectionState()
	return &mailSession{m: m, secure: secure}, nil
}

type mailSession struct {
	m      *MailServer
	secure bool
	user   string
	from   string
	to     string
}

func (s *mailSession) AuthMechanisms() []string {
	if s.m.options.User == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != s.m.options.User || password != s.m.options.Password {
			return smtp.ErrAuthFailed
		}
		s.user = user
		return nil
	}), nil
}

func (s *mailSession) Mail(from string, _ *smtp.MailOptions) error {
	if s.m.options.User != "" && s.user == "" {
		return smtp.ErrAuthRequired
	}
	s.from = from
	if s.m.options.Sender != nil {
		return s.m.options.Sender(from)
	}
	return nil
}

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.to != "" {
		return errors.New("more than one recipient")
	}
	if s.m.options.Answer != nil {
		if err := s.m.options.Answer(to); err != nil {
			return err
		}
	}
	s.to = to
	return nil
}

func (s *mailSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	l, err := ParseLetter(raw)
	if err != nil {
		s.m.t.Errorf("a mail that cannot be read: %v\n%s", err, raw)
		return err
	}
	l.From, l.To, l.TLS, l.User = s.from, s.to, s.secure, s.user
	s.m.mu.Lock()
	s.m.letters = append(s.m.letters, l)
	s.m.mu.Unlock()
	if s.m.options.After != nil {
		return s.m.options.After(l)
	}
	return nil
}

func (s *mailSession) Reset()        { s.from, s.to = "", "" }
func (s *mailSession) Logout() error { return nil }

// ParseLetter reads an e-mail by the standard library.
func ParseLetter(raw []byte) (l Letter, err error) {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return l, err
	}
	l.Header, l.Raw = m.Header, string(raw)
	if l.Subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		return l, err
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		return l, errors.Join(err, errors.New("not multipart/alternative: "+kind))
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		p, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return l, nil
		}
		if err != nil {
			return l, err
		}
		text, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			return l, err
		}
		body := strings.ReplaceAll(string(text), "\r\n", "\n")
		if strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") {
			l.HTML = body
		} else {
			l.Plain = body
		}
	}
}

// Certificate makes one for a name, or for this machine where that is empty, which is
// its own authority, and writes it and its key into files.
func Certificate(t testing.TB, name string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail.test"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	if name != "" {
		c.DNSNames, c.IPAddresses = []string{name}, nil
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
}

// quiet keeps what a client does wrong on purpose out of the test's output.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}
