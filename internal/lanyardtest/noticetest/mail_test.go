package noticetest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"lanyard"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
	"lanyard/internal/server"
	"lanyard/wire"
)

// mailing has a world send its mails to a server.
func mailing(m *lanyardtest.MailServer, more ...string) lanyardtest.Option {
	return func(s *server.Settings) {
		s.SMTPURL = lanyard.NewSecret("smtp://" + m.Addr + strings.Join(more, ""))
		s.MailFrom, s.MailReplyTo = "Lanyard <lanyard@sender.example>", "support@sender.example"
		s.TimeScale = 10
	}
}

// happened writes an event as a change does, at the server's own time.
func happened(w *lanyardtest.World, kind, connection, data string) {
	w.T.Helper()
	var project string
	w.One(&project, `SELECT min(id) FROM projects`)
	w.SQL(`INSERT INTO events (id, project_id, at, type, connection_id, data) VALUES ($1, $2, $3, $4, $5, $6)`, lanyard.NewID[lanyard.EventID]("evt_"),
		project, time.Now().Add(w.Settings.ClockOffset).UnixMicro(), kind, connection, data)
}

// ends has a connection need its person, as far as the database knows.
func ends(w *lanyardtest.World, c lanyardtest.JSON) {
	w.T.Helper()
	w.SQL(`UPDATE grants SET health = 'dead', reason = 'user_revoked', refresh_at = 0 WHERE id = (SELECT grant_id FROM connections WHERE id = $1)`, c.Str("id"))
	happened(w, "connection.needs_reauth", c.Str("id"), `{"reason":"user_revoked","status":"needs_reauth"}`)
}

// quiet waits until every event was looked at and no copy is on its way.
func quiet(w *lanyardtest.World) {
	w.T.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		var events, copies int
		w.One(&events, `SELECT count(*) FROM events WHERE mailed_at IS NULL AND type IN ('connection.needs_reauth', 'connection.expiring', 'app.misconfigured', 'endpoint.disabled')`)
		w.One(&copies, `SELECT count(*) FROM mail_copies WHERE try_at > 0`)
		if events+copies == 0 {
			return
		}
		if time.Now().After(end) {
			w.T.Fatalf("%d events and %d copies are left after 30 seconds", events, copies)
		}
	}
}

func to(letters []lanyardtest.Letter, address string) (out []lanyardtest.Letter) {
	for _, l := range letters {
		if l.To == address {
			out = append(out, l)
		}
	}
	return out
}

var links = regexp.MustCompile(`http://\S+/connect/rc\.\S+`)

// A person takes the app away. The project hears of it by e-mail, with a link that
// heals; the person hears nothing until the project wants it.
func TestAConnectionThatEndsIsMailed(t *testing.T) {
	t.Parallel()
	m := lanyardtest.NewMailServer(t, lanyardtest.MailOptions{})
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		before := len(m.Letters())
		ops := "ops-" + fmt.Sprint(before) + "@customer.example"
		app := w.Zoom()
		w.OK("PATCH", "/v1/project", map[string]any{"notify_emails": []string{ops}})
		in := w.OK("POST", "/v1/connect-sessions", map[string]any{"app_id": app, "return_url": lanyardtest.Return,
			"end_user": map[string]any{"id": "user-17", "email": "ana@people.example"}})
		at := w.Browser().Consent(in.Str("connect_url"), "ana")
		c := w.OK("POST", "/v1/connections", map[string]any{"completion": at.Query().Get("lanyard_completion"), "end_user_id": "user-17"})
		lanyardtest.Must(t)(w.Sandbox.Revoke(sandbox.Target{Provider: sandbox.Zoom, Person: "ana"}))
		w.Expire(-1)
		for range 3 {
			w.Call(w.Key, "POST", lanyardtest.TokenPath(c), map[string]any{})
			w.SQL(`UPDATE attempts SET ended_at = ended_at - 360000000, started_at = started_at - 360000000 WHERE outcome = 'rejected'`)
			w.SQL(`UPDATE grants SET retry_at = 0`)
		}
		lanyardtest.Eventually(t, func() bool { return len(m.Letters()) > before }, "a mail comes")
		quiet(w)
		got := m.Letters()[before:]
		if len(got) != 1 || got[0].To != ops || got[0].From != "lanyard@sender.example" {
			t.Fatalf("got %d mails, %+v, want one to the project", len(got), got)
		}
		l := got[0]
		if l.Subject != "Harbour Notes: Zoom has to be connected again" || l.Header.Get("Auto-Submitted") != "auto-generated" ||
			l.Header.Get("Reply-To") != "<support@sender.example>" || l.Header.Get("To") != "<"+ops+">" || l.Header.Get("Cc")+l.Header.Get("Bcc") != "" ||
			!regexp.MustCompile(`^<mc_[0-9a-z]{26}@sender\.example>$`).MatchString(l.Header.Get("Message-Id")) {
			t.Errorf("got %v", l.Header)
		}
		for _, want := range []string{"user-17", c.Str("id"), "no longer accepts this connection"} {
			if !strings.Contains(l.Plain, want) || !strings.Contains(l.HTML, want) {
				t.Errorf("got no %q in\n%s\n%s", want, l.Plain, l.HTML)
			}
		}
		link := links.FindString(l.Plain)
		if link == "" || !strings.Contains(l.HTML, `href="`+link+`"`) {
			t.Fatalf("got no link in\n%s\n%s", l.Plain, l.HTML)
		}
		for _, secret := range []string{"ana@people.example", "zoom-client-secret"} {
			if strings.Contains(l.Raw, secret) {
				t.Errorf("the mail to the project has %q in it", secret)
			}
		}

		// The same once more today: nothing. Then the project wants its people told, in German.
		happened(w, "connection.needs_reauth", c.Str("id"), `{}`)
		quiet(w)
		w.OK("PATCH", "/v1/project", map[string]any{"notify_person": true, "language": "de"})
		happened(w, "connection.needs_reauth", c.Str("id"), `{}`)
		quiet(w)
		happened(w, "connection.needs_reauth", c.Str("id"), `{}`)
		quiet(w)
		got = m.Letters()[before:]
		if len(got) != 2 || got[1].To != "ana@people.example" || got[1].Subject != "Harbour Notes: Bitte Zoom neu verbinden" ||
			!strings.Contains(got[1].Plain, "Der Anbieter nimmt diese Verbindung nicht mehr an.") ||
			!strings.Contains(got[1].HTML, `<html lang="de">`) || got[1].Header.Get("Content-Language") != "de" {
			t.Fatalf("got %d mails, the last %+v, want one more, to the person, in German", len(got), got[len(got)-1])
		}

		// Opening the link changes nothing; walking through it heals. What is healed is not told.
		for range 3 {
			if b := w.Browser().Go("GET", link, nil); b.Status != http.StatusOK {
				t.Fatalf("got %d for the link of the mail", b.Status)
			}
		}
		w.Browser().Consent(link, "ana")
		lanyardtest.Eventually(t, func() bool { return lanyardtest.StatusOf(w, c) == "active" }, "the link heals")
		w.SQL(`DELETE FROM mails`)
		happened(w, "connection.needs_reauth", c.Str("id"), `{}`)
		quiet(w)
		if n := len(m.Letters()[before:]); n != 2 {
			t.Errorf("got %d mails, want none about what is healed", n)
		}
		var sent, addresses int
		w.One(&sent, `SELECT count(*) FROM entries WHERE what = 'mail.sent'`)
		w.One(&addresses, `SELECT count(*) FROM entries WHERE detail LIKE '%@%'`)
		if sent != 2 || addresses != 0 {
			t.Errorf("got %d entries of mails sent, %d with an address; want 2 and 0", sent, addresses)
		}
	}, mailing(m))
}

// One per cause and day: the next day it is told again, through a restart.
func TestTheNextDayItIsMailedAgain(t *testing.T) {
	t.Parallel()
	m := lanyardtest.NewMailServer(t, lanyardtest.MailOptions{})
	w := lanyardtest.New(t, mailing(m))
	c := w.Connect(w.Zoom(), "u", "ana")
	w.OK("PATCH", "/v1/project", map[string]any{"notify_emails": []string{"ops@customer.example"}})
	ends(w, c)
	quiet(w)
	for n, after := range []time.Duration{0, 25 * time.Hour, 25 * time.Hour, 50 * time.Hour} {
		w.Stop()
		w.Restart(mailing(m), func(s *server.Settings) { s.ClockOffset = after })
		happened(w, "connection.needs_reauth", c.Str("id"), `{}`)
		quiet(w)
		if got, want := len(m.Letters()), []int{1, 2, 2, 3}[n]; got != want {
			t.Errorf("got %d mails %s later, want %d", got, after, want)
		}
	}
}

// What concerns an app or an endpoint goes to the project only, and what will end goes
// to the person as well.
func TestWhatIsMailed(t *testing.T) {
	t.Parallel()
	m := lanyardtest.NewMailServer(t, lanyardtest.MailOptions{})
	w := lanyardtest.New(t, mailing(m), lanyardtest.Quick)
	app := w.Zoom()
	c := w.Connect(app, "u", "ana")
	w.OK("PATCH", "/v1/project", map[string]any{"notify_emails": []string{"a@customer.example", "b@customer.example"}, "notify_person": true})
	happened(w, "app.misconfigured", "", `{"app_id":"`+app+`","provider_error":"invalid_client","reason":"app_misconfigured"}`)
	quiet(w)
	gone := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(http.StatusGone) }))
	t.Cleanup(gone.Close)
	hook := w.OK("POST", "/v1/webhook-endpoints", map[string]any{"url": gone.URL + "/hook"}).Str("id")
	w.OK("POST", "/v1/webhook-endpoints/"+hook+"/test", nil)
	lanyardtest.Eventually(t, func() bool { return len(m.Letters()) >= 4 }, "the endpoint is told of")
	quiet(w)
	w.SQL(`UPDATE grants SET refresh_expires = $1`, time.Date(2031, 2, 3, 12, 0, 0, 0, time.UTC).UnixMicro())
	happened(w, "connection.expiring", c.Str("id"), `{}`)
	quiet(w)
	happened(w, "connection.updated", c.Str("id"), `{}`)
	happened(w, "app.recovered", "", `{"app_id":"`+app+`"}`)
	time.Sleep(200 * time.Millisecond)
	quiet(w)
	a := to(m.Letters(), "a@customer.example")
	if len(a) != 3 || len(to(m.Letters(), "b@customer.example")) != 3 || len(m.Letters()) != 7 {
		t.Fatalf("got %d mails, %d to the first address; want 7 and 3", len(m.Letters()), len(a))
	}
	for i, want := range [][]string{
		{"Harbour Notes: Zoom does not accept the app", app, "invalid_client", "lanyard app check " + app},
		{"Harbour Notes: a webhook endpoint was disabled", hook, strings.TrimPrefix(gone.URL, "http://"), "410 Gone"},
		{"Harbour Notes: a connection to Zoom will end", c.Str("id"), "2031-02-03", w.URL + "/connect/rc."},
	} {
		if !strings.HasPrefix(a[i].Subject, want[0]) {
			t.Errorf("got subject %q, want %q", a[i].Subject, want[0])
		}
		for _, text := range want[1:] {
			if !strings.Contains(a[i].Plain, text) {
				t.Errorf("got no %q in\n%s", text, a[i].Plain)
			}
		}
		if i < 2 && links.MatchString(a[i].Raw) {
			t.Errorf("%s has a link to connect again", a[i].Subject)
		}
	}
	if last := m.Letters()[6]; !strings.HasPrefix(last.To, "ana") {
		t.Errorf("got %s, want the person, at the account's own address", last.To)
	}
}

// The mail server is down for a while, then says "later", then "no such address". What
// can arrive arrives once, whatever happened to our process meanwhile.
func TestAMailServerThatIsDown(t *testing.T) {
	t.Parallel()
	var busy, seen int
	m := lanyardtest.NewMailServer(t, lanyardtest.MailOptions{Answer: func(to string) error {
		switch {
		case strings.HasPrefix(to, "gone"):
			seen++
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user " + to}
		case busy < 2:
			busy++
			return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "later, " + to}
		}
		return nil
	}})
	m.Stop()
	w := lanyardtest.New(t, mailing(m), lanyardtest.Quick)
	c := w.Connect(w.Zoom(), "u", "ana")
	w.OK("PATCH", "/v1/project", map[string]any{"notify_emails": []string{"ops@customer.example", "gone@customer.example"}})
	ends(w, c)
	lanyardtest.Eventually(t, func() bool { return strings.Contains(w.Log.String(), "the mail server cannot be used; mails wait") }, "the log says so")
	var tries int
	if w.One(&tries, `SELECT max(tries) FROM mail_copies`); tries != 0 {
		t.Errorf("got %d tries while nobody answers, want none counted", tries)
	}
	if !strings.Contains(lanyardtest.Metrics(w), "\nlanyard_mails_waiting 2\n") {
		t.Error("the metrics do not say that 2 mails wait")
	}
	w.Stop()
	w.Restart(mailing(m), lanyardtest.Quick)
	m.Start()
	quiet(w)
	if got := m.Letters(); len(got) != 1 || got[0].To != "ops@customer.example" || seen != 1 {
		t.Errorf("got %d mails and %d tries of an address that is not there; want one of each", len(got), seen)
	}
	var failed int
	if w.One(&failed, `SELECT count(*) FROM entries WHERE what = 'mail.failed' AND code = 'mail_failed'`); failed != 1 {
		t.Errorf("got %d entries of a mail that failed, want 1", failed)
	}
	for _, address := range []string{"ops@customer.example", "gone@customer.example"} {
		if strings.Contains(w.Log.String(), address) {
			t.Errorf("the log has %s in it", address)
		}
	}
}

// Nothing is said, the password least of all, to a server that has no TLS, or a
// certificate that is not its own.
func TestMailGoesToNoOtherServer(t *testing.T) {
	t.Parallel()
	const password = "MARK-mail-password-31"
	options := lanyardtest.MailOptions{STARTTLS: true, User: "lanyard", Password: password}
	good := lanyardtest.NewMailServer(t, options)
	plain := lanyardtest.NewMailServer(t, lanyardtest.MailOptions{User: "lanyard", Password: password})
	options.Name = "mail.somebody-else.example"
	other := lanyardtest.NewMailServer(t, options)
	for name, c := range map[string]struct {
		m        *lanyardtest.MailServer
		password string
		ca       string
		want     string
	}{
		"as it should be":          {good, password, good.CA, ""},
		"a wrong password":         {good, password + "x", good.CA, "refused with 535"},
		"an authority not trusted": {good, password, "", "certificate_not_trusted"},
		"another's certificate":    {other, password, other.CA, "certificate_not_trusted"},
		"no TLS":                   {plain, password, good.CA, "no_tls"},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(c.m.Letters())
			address := "smtp://lanyard:" + c.password + "@" + c.m.Addr + "?tls=starttls"
			if c.ca != "" {
				address += "&ca=" + url.QueryEscape(c.ca)
			}
			w := lanyardtest.New(t, func(s *server.Settings) { s.SMTPURL, s.MailFrom = lanyard.NewSecret(address), "lanyard@sender.example" })
			tested, err := lanyardtest.SocketOf(w).TestMail(t.Context(), wire.TestMail{To: "op@customer.example"})
			got := c.m.Letters()[before:]
			switch {
			case c.want == "":
				if err != nil || tested.Host != "127.0.0.1" || len(got) != 1 || !got[0].TLS || got[0].User != "lanyard" || got[0].Subject != "Lanyard: this is a test" {
					t.Errorf("got %v, %v, %+v", tested, err, got)
				}
			case err == nil || !strings.Contains(err.Error(), c.want) || len(got) != 0:
				t.Errorf("got %v and %d mails, want %q and none", err, len(got), c.want)
			}
			if err != nil && strings.Contains(err.Error(), password) || strings.Contains(w.Log.String(), "MARK-mail-password") {
				t.Error("the password is in the error or the log")
			}
		})
	}
}

// A test mail is the operator's to send, and to one plain address.
func TestWhoMaySendATestMail(t *testing.T) {
	t.Parallel()
	m := lanyardtest.NewMailServer(t, lanyardtest.MailOptions{})
	w := lanyardtest.New(t, mailing(m))
	w.Fails("operator_only", "POST", "/v1/operator/mail/test", map[string]any{"to": "op@customer.example"})
	for _, to := range []string{"op@customer.example\r\nBcc: all@customer.example", "Op <op@customer.example>", "a@b.example,c@d.example", "nobody"} {
		if _, err := lanyardtest.SocketOf(w).TestMail(t.Context(), wire.TestMail{To: to}); err == nil || !strings.Contains(err.Error(), "not an e-mail address") {
			t.Errorf("%q: got %v", to, err)
		}
		w.Fails("invalid_request", "PATCH", "/v1/project", map[string]any{"notify_emails": []string{to}})
	}
	w.Fails("invalid_request", "PATCH", "/v1/project", map[string]any{"language": "fr"})
	if n := len(m.Letters()); n != 0 {
		t.Errorf("got %d mails", n)
	}
	silent := lanyardtest.New(t)
	if _, err := lanyardtest.SocketOf(silent).TestMail(t.Context(), wire.TestMail{To: "op@customer.example"}); err == nil || !strings.Contains(err.Error(), "has no mail server") {
		t.Errorf("got %v, want that there is none", err)
	}
	if n := strings.Count(silent.Log.String(), "no mail server is set"); n != 1 {
		t.Errorf("said %d times that there is no mail server, want once", n)
	}
}

// A server that does not take our sender is the operator's to mend: it is said once,
// the mails wait, and they arrive when it is mended.
func TestASenderThatIsRefused(t *testing.T) {
	t.Parallel()
	var refuse atomic.Bool
	refuse.Store(true)
	m := lanyardtest.NewMailServer(t, lanyardtest.MailOptions{Sender: func(string) error {
		if refuse.Load() {
			return &smtp.SMTPError{Code: 553, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "not yours"}
		}
		return nil
	}})
	w := lanyardtest.New(t, mailing(m), lanyardtest.Quick)
	c := w.Connect(w.Zoom(), "u", "ana")
	w.OK("PATCH", "/v1/project", map[string]any{"notify_emails": []string{"a@customer.example", "b@customer.example"}})
	ends(w, c)
	said := `"the mail server cannot be used; mails wait","host":"127.0.0.1","why":"refused","answer":553`
	lanyardtest.Eventually(t, func() bool { return strings.Contains(w.Log.String(), said) }, "it is said")
	time.Sleep(time.Second)
	if n := strings.Count(w.Log.String(), said); n != 1 {
		t.Errorf("said %d times, want once", n)
	}
	refuse.Store(false)
	quiet(w)
	if n := len(m.Letters()); n != 2 {
		t.Errorf("got %d mails, want 2", n)
	}
}
