package mail_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lanyard/internal/mail"
)

// What a mail server's URL may be, and what each mistake is answered with. The
// password is in no error.
func TestParseServer(t *testing.T) {
	notPEM := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(notPEM, []byte("s3cr3t"), 0o600); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		"smtps://lanyard:s3cr3t@mail.example":               "",
		"smtps://mail.example:4650":                         "",
		"smtp://lanyard:s3cr3t@mail.example":                "",
		"smtp://mail.example:587?tls=starttls":              "",
		"smtp://mail.example?tls=none":                      "",
		"smtp://localhost:1025":                             "",
		"smtp://lanyard:s3cr3t@127.0.0.1:25":                "",
		"smtp://[::1]":                                      "",
		"smtps://u:p%40s3cr3t%2F@mail.example/":             "",
		"":                                                  "not a URL",
		"mail.example:25":                                   "not a URL",
		"https://u:s3cr3t@mail.example":                     "not a URL",
		"smtp://u:s3cr3t/x@mail.example":                    "not a URL",
		"smtp:u:s3cr3t@mail.example":                        "not a URL",
		"smtp://":                                           "a mail server is",
		"smtp://:25":                                        "a mail server is",
		"smtp://mail.example/inbox":                         "a mail server is",
		"smtp://mail.example#s3cr3t":                        "a mail server is",
		"smtp://u@mail.example":                             "user and password belong together",
		"smtp://:s3cr3t@mail.example":                       "user and password belong together",
		"smtp://u:s3cr3t%0d%0aQUIT@mail.example":            "control character",
		"smtp://mail.example:0":                             "the port",
		"smtp://mail.example:65536":                         "the port",
		"smtp://mail.example:":                              "the port",
		"smtp://mail.example?tls=maybe":                     "tls is starttls or none",
		"smtp://mail.example?tls=":                          "tls is starttls or none",
		"smtp://mail.example?insecure=1":                    "behind the ?",
		"smtp://mail.example?tls=none&tls=starttls":         "behind the ?",
		"smtps://mail.example?tls=none":                     "smtps is TLS from the first byte",
		"smtp://u:s3cr3t@mail.example?tls=none":             "a password is not sent without TLS",
		"smtp://localhost?ca=" + notPEM:                     "ca is of no use",
		"smtps://u:s3cr3t@mail.example?ca=" + notPEM:        "no certificate",
		"smtps://u:s3cr3t@mail.example?ca=/nonexistent/pem": "ca: open",
	} {
		s, err := mail.ParseServer(url)
		switch {
		case want == "" && (err != nil || s == nil):
			t.Errorf("%s: got %v, want it taken", url, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: got %v, want %q", url, err, want)
		case err != nil && strings.Contains(err.Error(), "s3cr3t"):
			t.Errorf("the error repeats the password: %v", err)
		}
	}
}
