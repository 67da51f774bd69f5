package noticetest_test

import (
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/server"
)

// python is Debian's own, which has its packages.
const python = "/usr/bin/python3"

// A mail server in another language, from a package of Debian's, takes our mails over
// TLS in both ways, and what it has put into the mailbox can be read.
func TestADebianMailServerTakesOurMails(t *testing.T) {
	t.Parallel()
	if err := exec.CommandContext(t.Context(), python, "-c", "import aiosmtpd").Run(); err != nil {
		if os.Getenv("CI") == "" {
			t.Skip("python3-aiosmtpd is not installed")
		}
		t.Fatal("python3-aiosmtpd is not installed")
	}
	for _, c := range []struct{ scheme, cert, key string }{{"smtp", "--tlscert", "--tlskey"}, {"smtps", "--smtpscert", "--smtpskey"}} {
		t.Run(c.scheme, func(t *testing.T) {
			cert, key := lanyardtest.Certificate(t, "")
			l, err := net.Listen("tcp", "127.0.0.1:0")
			lanyardtest.Must(t)(nil, err)
			address := l.Addr().String()
			lanyardtest.Must(t)(nil, l.Close())
			box := filepath.Join(t.TempDir(), "box")
			cmd := exec.CommandContext(t.Context(), python, "-m", "aiosmtpd", "-n", "-l", address, c.cert, cert, c.key, key, "-c", "aiosmtpd.handlers.Mailbox", box)
			var said lanyardtest.Buffer
			cmd.Stdout, cmd.Stderr = &said, &said
			lanyardtest.Must(t)(nil, cmd.Start())
			t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
			lanyardtest.Within(t, 20*time.Second, "it listens", func() bool {
				conn, err := net.Dial("tcp", address)
				if err == nil {
					_ = conn.Close()
				}
				return err == nil
			})
			query := "?ca=" + url.QueryEscape(cert)
			if c.scheme == "smtp" {
				query += "&tls=starttls"
			}
			w := lanyardtest.New(t, func(s *server.Settings) {
				s.SMTPURL, s.MailFrom = lanyard.NewSecret(c.scheme+"://"+address+query), "Lanyard für alle <lanyard@sender.example>"
				s.TimeScale = 10
			})
			con := w.Connect(w.Zoom(), "u", "ana")
			w.OK("PATCH", "/v1/project", map[string]any{"notify_emails": []string{"ops@customer.example"}, "language": "de", "display_name": "Müller & Söhne"})
			ends(w, con)
			var files []string
			lanyardtest.Eventually(t, func() bool {
				files, err = filepath.Glob(filepath.Join(box, "new", "*"))
				return err == nil && len(files) > 0
			}, "the mail is in the mailbox")
			quiet(w)
			if len(files) != 1 {
				t.Fatalf("got %d mails, want one; the server said:\n%s", len(files), said.String())
			}
			raw, err := os.ReadFile(files[0])
			lanyardtest.Must(t)(nil, err)
			got, err := lanyardtest.ParseLetter(raw)
			lanyardtest.Must(t)(nil, err)
			if got.Subject != "Müller & Söhne: Zoom muss neu verbunden werden" || got.Header.Get("X-Rcptto") != "ops@customer.example" ||
				!links.MatchString(got.Plain) || !strings.Contains(got.HTML, "Müller &amp; Söhne") {
				t.Errorf("got %s", raw)
			}
		})
	}
}
