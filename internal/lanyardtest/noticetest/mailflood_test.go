package noticetest_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"lanyard"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/server"
	"lanyard/internal/store/storetest"
	"lanyard/wire"
)

// T39: ten thousand connections end at once. The project gets twenty mails, and one
// that names the first of the rest and counts them; another project's mail is not late.
func TestAFloodIsGatheredIntoOneMail(t *testing.T) {
	m := lanyardtest.NewMailServer(t, lanyardtest.MailOptions{})
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		if left := time.Until(time.Now().Truncate(time.Hour).Add(time.Hour)); left < time.Minute {
			time.Sleep(left) // two hours have two mails
		}
		before := len(m.Letters())
		app := w.Zoom()
		w.OK("PATCH", "/v1/project", map[string]any{"notify_emails": []string{"ops@customer.example"}})
		for n := range 22 {
			c := w.Connect(app, fmt.Sprint("u", n), "ana")
			ends(w, c)
		}
		many := 10000 - 22
		if lanyardtest.Raced || !w.Settings.DatabaseURL.Empty() {
			many = 1000 - 22 // the same code; the other database has had them all
		}
		var project string
		w.One(&project, `SELECT min(id) FROM projects`)
		w.SQL(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < CAST($3 AS INTEGER))
			INSERT INTO events (id, project_id, at, type, connection_id, data)
			SELECT 'evt_1' || i, $1, $2, 'connection.needs_reauth', 'con_' || i, '{}' FROM n`, project, time.Now().UnixMicro(), many)
		lanyardtest.Within(t, 2*time.Minute, "all are looked at", func() bool {
			var left int
			w.One(&left, `SELECT count(*) FROM events WHERE mailed_at IS NULL AND type = 'connection.needs_reauth'`)
			return left == 0
		})
		w.SQL(`UPDATE mail_copies SET try_at = 1 WHERE try_at > 0`)
		quiet(w)
		got := m.Letters()[before:]
		var digests []lanyardtest.Letter
		for _, l := range got {
			if strings.Contains(l.Subject, "things need a look") {
				digests = append(digests, l)
			}
		}
		// Which twenty come by themselves depends on what was looked at first; those about
		// connections that are not there are dropped.
		if len(got) > 21 || len(digests) != 1 {
			t.Fatalf("got %d mails, %d of them gathered; want at most 21 and one", len(got), len(digests))
		}
		d := digests[0]
		if want := fmt.Sprintf("Harbour Notes: %d things need a look", many+2); d.Subject != want {
			t.Errorf("got %q, want %q", d.Subject, want)
		}
		if n := strings.Count(d.Plain, "\n- con_"); n != 20 || !strings.Contains(d.Plain, fmt.Sprintf("and %d more", many+2-20)) || strings.Count(d.HTML, "<li>") != 21 {
			t.Errorf("got %d in the list:\n%s", n, d.Plain)
		}
		var mails int
		if w.One(&mails, `SELECT count(*) FROM mails WHERE digest_id = '' AND cause <> 'digest'`); mails != 20 {
			t.Errorf("got %d mails by themselves, want 20", mails)
		}
	}, mailing(m))
}

// Who floods has no more than a share of the connection to the mail server.
func TestAFloodDelaysNobodyElse(t *testing.T) {
	m := lanyardtest.NewMailServer(t, lanyardtest.MailOptions{Answer: func(string) error { time.Sleep(50 * time.Millisecond); return nil }})
	w := lanyardtest.New(t, mailing(m), func(s *server.Settings) { s.TimeScale = 100 })
	var addresses []string
	for n := range 20 {
		addresses = append(addresses, fmt.Sprintf("ops%d@customer.example", n))
	}
	w.OK("PATCH", "/v1/project", map[string]any{"notify_emails": addresses})
	for range 20 { // twenty apps' worth of mails, to twenty addresses each: 20 seconds of sending
		a := w.OK("POST", "/v1/apps", map[string]any{"provider": "zoom", "scopes": lanyardtest.ZoomScopes}).Str("id")
		happened(w, "app.misconfigured", "", `{"app_id":"`+a+`"}`)
	}
	lanyardtest.Eventually(t, func() bool { return len(m.Letters()) > 2 }, "it has begun")
	op := lanyardtest.SocketOf(w)
	other, err := op.CreateProject(t.Context(), wire.NewProject{Name: "quayside"})
	lanyardtest.Must(t)(nil, err)
	made, err := op.CreateOperatorKey(t.Context(), wire.NewOperatorKey{Project: other.ID, Name: "k", Scopes: []string{"connect", "read", "admin"}})
	lanyardtest.Must(t)(nil, err)
	project, key := other.ID, made.Credential
	if status, out := w.Call(key, "PATCH", "/v1/project", map[string]any{"notify_emails": []string{"one@quayside.example"}}); status != 200 {
		t.Fatalf("got %d %v", status, out)
	}
	_, a := w.Call(key, "POST", "/v1/apps", map[string]any{"provider": "zoom", "scopes": lanyardtest.ZoomScopes})
	w.SQL(`INSERT INTO events (id, project_id, at, type, connection_id, data) VALUES ($1, $2, $3, 'app.misconfigured', '', $4)`,
		lanyard.NewID[lanyard.EventID]("evt_"), project, time.Now().UnixMicro(), `{"app_id":"`+a.Str("id")+`"}`)
	lanyardtest.Eventually(t, func() bool { return len(to(m.Letters(), "one@quayside.example")) == 1 }, "the other project's mail is sent")
	if n := len(m.Letters()); n > 200 {
		t.Errorf("the other project's mail came after %d of the flood's 400", n)
	}
}

// Names are others' text: a customer's, an end user's, a provider's. None of them
// becomes a header, a tag or an address.
func TestNamesInMailsAreText(t *testing.T) {
	m := lanyardtest.NewMailServer(t, lanyardtest.MailOptions{})
	w := lanyardtest.New(t, mailing(m))
	app := w.Zoom()
	w.Fails("invalid_request", "PATCH", "/v1/project", map[string]any{"display_name": "Acme\r\nBcc: all@evil.example"})
	w.OK("PATCH", "/v1/project", map[string]any{"display_name": `<b>Acme</b> "& {provider}` + "\u202egnp.\u2028x", "notify_emails": []string{"ops@customer.example"}})
	in := w.OK("POST", "/v1/connect-sessions", map[string]any{"app_id": app, "return_url": lanyardtest.Return,
		"end_user": map[string]any{"id": `<script>alert(1)</script>{reason}`}})
	at := w.Browser().Consent(in.Str("connect_url"), "ana")
	c := w.OK("POST", "/v1/connections", map[string]any{"completion": at.Query().Get("lanyard_completion"), "end_user_id": `<script>alert(1)</script>{reason}`})
	ends(w, c)
	quiet(w)
	got := m.Letters()
	if len(got) != 1 {
		t.Fatalf("got %d mails, want one", len(got))
	}
	l := got[0]
	if l.Subject != `<b>Acme</b> "& {provider}gnp. x: Zoom has to be connected again` || l.Header.Get("Bcc") != "" || len(l.Header["Subject"]) != 1 {
		t.Errorf("got %q %v", l.Subject, l.Header)
	}
	if !strings.Contains(l.Plain, `End user: <script>alert(1)</script>{reason}.`) {
		t.Errorf("got\n%s", l.Plain)
	}
	if strings.Contains(l.HTML, "<script") || strings.Contains(l.HTML, "<b>Acme") || !strings.Contains(l.HTML, "&lt;script&gt;alert(1)&lt;/script&gt;{reason}") {
		t.Errorf("got\n%s", l.HTML)
	}
}

// Four nodes look at the same events and send the same mails: each goes out once.
func TestFourNodesSendEachMailOnce(t *testing.T) {
	m := lanyardtest.NewMailServer(t, lanyardtest.MailOptions{})
	w := lanyardtest.New(t, mailing(m), func(s *server.Settings) {
		s.DatabaseURL = lanyard.NewSecret(storetest.PostgreSQL(t).URL)
		s.TimeScale = 100
	})
	for range 3 {
		settings := w.Settings
		settings.DataDir, settings.Listen = t.TempDir(), "localhost:0"
		settings.Socket = filepath.Join(settings.DataDir, "s.sock")
		node, err := server.New(t.Context(), settings, slog.New(slog.NewJSONHandler(w.Log, nil)))
		lanyardtest.Must(t)(nil, err)
		lanyardtest.Must(t)(nil, node.Listen(t.Context()))
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- node.Run(ctx) }()
		t.Cleanup(func() { stop(); <-done; _ = node.Close(context.Background()) })
	}
	w.OK("PATCH", "/v1/project", map[string]any{"notify_emails": []string{"a@customer.example", "b@customer.example", "c@customer.example"}})
	for range 15 {
		a := w.OK("POST", "/v1/apps", map[string]any{"provider": "zoom", "scopes": lanyardtest.ZoomScopes}).Str("id")
		for range 3 {
			happened(w, "app.misconfigured", "", `{"app_id":"`+a+`"}`)
		}
	}
	quiet(w)
	seen := map[string]int{}
	for _, l := range m.Letters() {
		seen[l.Header.Get("Message-Id")]++
	}
	if n := len(m.Letters()); n != 45 || len(seen) != 45 {
		t.Errorf("got %d mails, %d different; want 45", n, len(seen))
	}
}

// The mail server has taken a mail and the answer is lost, or the node dies before it
// is noted: the mail is sent again, under the same Message-ID.
func TestAMailThatIsSentAgainHasTheSameID(t *testing.T) {
	var n atomic.Int64
	m := lanyardtest.NewMailServer(t, lanyardtest.MailOptions{After: func(lanyardtest.Letter) error {
		if n.Add(1) == 1 {
			return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 0, 0}, Message: "perhaps"}
		}
		return nil
	}})
	w := lanyardtest.New(t, mailing(m), func(s *server.Settings) { s.TimeScale = 1000 })
	c := w.Connect(w.Zoom(), "u", "ana")
	w.OK("PATCH", "/v1/project", map[string]any{"notify_emails": []string{"ops@customer.example"}})
	ends(w, c)
	quiet(w)
	w.Stop()
	w.SQL(`UPDATE mail_copies SET state = 'pending', try_at = 1`) // its lease has ended
	w.Restart(mailing(m))
	quiet(w)
	got := m.Letters()
	if len(got) != 3 || got[0].Header.Get("Message-Id") != got[1].Header.Get("Message-Id") || got[1].Header.Get("Message-Id") != got[2].Header.Get("Message-Id") {
		t.Errorf("got %d mails, want 3 with one Message-ID", len(got))
	}
}

// Who is told no more: an address that is taken away, a person whose project changed
// its mind, and people whose news is from before there was a mail server.
func TestWhoIsToldNoMore(t *testing.T) {
	m := lanyardtest.NewMailServer(t, lanyardtest.MailOptions{})
	w := lanyardtest.New(t, func(s *server.Settings) { s.TimeScale = 10 })
	c := w.Connect(w.Zoom(), "u", "ana")
	w.OK("PATCH", "/v1/project", map[string]any{"notify_emails": []string{"ops@customer.example"}, "notify_person": true})
	ends(w, c)
	w.SQL(`UPDATE events SET at = at - 90000000000`) // 25 hours
	w.Stop()
	w.Restart(mailing(m))
	quiet(w)
	if n := len(m.Letters()); n != 0 {
		t.Fatalf("got %d mails about what happened before, want none", n)
	}
	m.Stop()
	happened(w, "connection.needs_reauth", c.Str("id"), `{}`)
	lanyardtest.Eventually(t, func() bool {
		var copies int
		w.One(&copies, `SELECT count(*) FROM mail_copies WHERE try_at > 0`)
		return copies == 2
	}, "two mails wait")
	var inside int
	w.One(&inside, `SELECT count(*) FROM mails WHERE cause LIKE '%@%'`)
	w.OK("PATCH", "/v1/project", map[string]any{"notify_emails": []string{"other@customer.example"}, "notify_person": false})
	m.Start()
	quiet(w)
	var dropped int
	if w.One(&dropped, `SELECT count(*) FROM mail_copies WHERE state = 'dropped'`); dropped != 2 || len(m.Letters()) != 0 || inside != 0 {
		t.Errorf("got %d dropped and %d mails, want 2 and none", dropped, len(m.Letters()))
	}
}
