package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"lanyard"
)

// security is how the way to the mail server is kept from others.
type security string

const (
	implicitTLS security = "tls" // from the first byte (smtps, RFC 8314)
	startTLS    security = "starttls"
	noTLS       security = "none"
)

const stepFor = 15 * time.Second // one command and its answer

// Server is the operator's mail server.
type Server struct {
	Hello string // how we name ourselves to it; empty: localhost

	host     string
	port     int
	security security
	user     string
	password lanyard.Secret
	roots    *x509.CertPool // nil: the system's
}

// ParseServer reads smtps://user:password@host:port and smtp://…?tls=…; ?ca= names a
// file of authorities for a certificate of one's own. Its errors never repeat the URL,
// which holds a password.
func ParseServer(text string) (*Server, error) {
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		return nil, errors.New("not a URL such as smtps://user:password@mail.example.com; characters such as @ and / in a password are written %40 and %2F")
	}
	s := &Server{host: u.Hostname()}
	if s.host == "" || u.Path != "" && u.Path != "/" || u.Fragment != "" {
		return nil, errors.New("a mail server is scheme, user, password, host and port, and nothing after that but ?tls= and ?ca=")
	}
	if u.User != nil {
		password, _ := u.User.Password()
		s.user, s.password = u.User.Username(), lanyard.NewSecret(password)
		if s.user == "" || password == "" || hasControl(s.user+password) {
			return nil, errors.New("user and password belong together; one is missing, or has a control character")
		}
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("what is behind the ? cannot be read")
	}
	for name, values := range q {
		if name != "tls" && name != "ca" || len(values) != 1 {
			return nil, errors.New("behind the ? there may be tls and ca, each once")
		}
	}
	loopback := lanyard.Loopback(s.host)
	switch mode := q.Get("tls"); {
	case u.Scheme == "smtps" && !q.Has("tls"):
		s.security, s.port = implicitTLS, 465
	case u.Scheme == "smtps":
		return nil, errors.New("smtps is TLS from the first byte; tls= is for smtp")
	case mode == string(startTLS), !q.Has("tls") && !loopback:
		s.security, s.port = startTLS, 587
	case mode == string(noTLS), !q.Has("tls"):
		s.security, s.port = noTLS, 25
	default:
		return nil, errors.New("tls is starttls or none")
	}
	if s.security == noTLS && s.user != "" && !loopback {
		return nil, errors.New("a password is not sent without TLS beyond this machine; leave tls=none out, or the password")
	}
	if p := u.Port(); p != "" || strings.HasSuffix(u.Host, ":") {
		if s.port, err = strconv.Atoi(p); err != nil || s.port < 1 || s.port > 65535 {
			return nil, errors.New("the port is not a number from 1 to 65535")
		}
	}
	if q.Has("ca") {
		if s.security == noTLS {
			return nil, errors.New("ca is of no use without TLS")
		}
		pem, err := os.ReadFile(q.Get("ca"))
		if err != nil {
			return nil, fmt.Errorf("ca: %w", err)
		}
		s.roots = x509.NewCertPool()
		if !s.roots.AppendCertsFromPEM(pem) {
			return nil, errors.New("ca: there is no certificate in PEM in that file")
		}
	}
	return s, nil
}

// dial opens a connection and signs in, if there is a password.
func (s *Server) dial(ctx context.Context) (*gomail.Client, error) {
	options := []gomail.Option{gomail.WithPort(s.port), gomail.WithTimeout(stepFor), gomail.WithHELO(cmp.Or(s.Hello, "localhost")), gomail.WithoutSMTPUTF8(),
		gomail.WithTLSConfig(&tls.Config{ServerName: s.host, RootCAs: s.roots, MinVersion: tls.VersionTLS12})}
	switch s.security {
	case implicitTLS:
		options = append(options, gomail.WithSSL())
	case startTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case noTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if s.user != "" {
		auth := gomail.SMTPAuthAutoDiscover
		if s.security == noTLS { // on this machine, where PLAIN may go unencrypted
			auth = gomail.SMTPAuthPlain
		}
		options = append(options, gomail.WithSMTPAuth(auth), gomail.WithUsername(s.user), gomail.WithPassword(string(s.password.Reveal())))
	}
	c, err := gomail.NewClient(s.host, options...)
	if err != nil {
		return nil, err
	}
	return c, c.DialWithContext(ctx)
}

// hang ends a connection; what comes of it concerns nobody.
func hang(c *gomail.Client) { _ = c.Close() }

// fault names what went wrong between us and the mail server. Its own words may repeat
// an address, so nothing but the code is kept of them.
func fault(err error) (what string, code int) {
	var answer *textproto.Error
	var send *gomail.SendError
	var name *net.DNSError
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var op *net.OpError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &send) && send.ErrorCode() > 0:
		return "refused", send.ErrorCode()
	case errors.As(err, &answer):
		return "refused", answer.Code
	case errors.As(err, &cert):
		return "certificate_not_trusted", 0
	case errors.As(err, &record), err != nil && strings.HasPrefix(err.Error(), "STARTTLS mode"):
		return "no_tls", 0
	case err != nil && strings.Contains(err.Error(), "AUTH"):
		return "no_sign_in", 0
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout", 0
	case errors.As(err, &name):
		return "name_not_found", 0
	case errors.As(err, &op) && op.Op == "dial":
		return "not_reachable", 0
	}
	return "connection_lost", 0
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}
