package lanyardtest

import (
	"bytes"
	"context"
	"encoding/json"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"lanyard"
)

var (
	formAction = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)
	formHidden = regexp.MustCompile(`type="hidden" name="([^"]+)" value="([^"]*)"`)
)

// SignIn follows an address, fills in each form that comes, as this person, and
// returns the address it stopped before, or "" if there is a page with no form.
func (b *Browser) SignIn(address, person, stop string) string {
	b.w.T.Helper()
	b.Go(http.MethodGet, address, nil)
	for range 20 {
		if next := b.Next(); next != "" {
			if strings.HasPrefix(next, stop) {
				return next
			}
			b.Go(http.MethodGet, next, nil)
			continue
		}
		action := formAction.FindStringSubmatch(b.Body)
		if action == nil {
			return ""
		}
		to, err := b.At.Parse(html.UnescapeString(action[1]))
		b.w.must(err)
		form := url.Values{"login": {person}, "password": {"anything"}}
		for _, h := range formHidden.FindAllStringSubmatch(b.Body, -1) {
			form.Set(h[1], html.UnescapeString(h[2]))
		}
		b.Go(http.MethodPost, to.String(), form)
	}
	b.w.T.Fatalf("the browser goes in circles at %s", b.At)
	return ""
}

// Depart opens a connect link, presses Continue and returns the authorization
// request that the browser is sent away with.
func (b *Browser) Depart(connectURL string) *url.URL {
	b.w.T.Helper()
	if b.Go(http.MethodGet, connectURL, nil); b.Status != http.StatusOK {
		b.w.T.Fatalf("open the link: got %d, want the page", b.Status)
	}
	if b.Go(http.MethodPost, connectURL, url.Values{}); b.Status != http.StatusSeeOther {
		b.w.T.Fatalf("press Continue: got %d %.300s, want 303", b.Status, b.Body)
	}
	u, err := url.Parse(b.Next())
	b.w.must(err)
	return u
}

// ConnectAbroad does the whole hosted journey at a foreign server.
func (w *World) ConnectAbroad(app, endUser, person string) JSON {
	w.T.Helper()
	b := w.Browser()
	return w.Complete(b.SignIn(b.Depart(w.Invite(app, endUser).Str("connect_url")).String(), person, Return), endUser)
}

// Complete hands in the completion of a return address.
func (w *World) Complete(at, endUser string) JSON {
	w.T.Helper()
	u, err := url.Parse(at)
	w.must(err)
	if u.Query().Get("lanyard_completion") == "" {
		w.T.Fatalf("got %s, want a completion", at)
	}
	return w.OK("POST", "/v1/connections", map[string]any{"completion": u.Query().Get("lanyard_completion"), "end_user_id": endUser})
}

// Operator is OK through the operator's door, on the project of the first key.
func (w *World) Operator(method, path string, body any) JSON {
	w.T.Helper()
	dir, err := os.MkdirTemp("", "door") // a socket's address has room for a short name only
	w.must(err)
	defer func() { _ = os.RemoveAll(dir) }()
	w.must(os.Symlink(filepath.Dir(w.Socket), filepath.Join(dir, "d")))
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(dir, "d", filepath.Base(w.Socket)))
	}}
	defer transport.CloseIdleConnections()
	var in io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		w.must(err)
		in = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(w.T.Context(), method, "http://lanyard"+path, in)
	w.must(err)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Lanyard-Project", w.OK("GET", "/v1/project", nil).Str("id"))
	resp, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Do(r)
	w.must(err)
	defer func() { _ = resp.Body.Close() }()
	out := JSON{}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil || resp.StatusCode >= 300 {
		w.T.Fatalf("operator: %s %s: got %d %v (%v), want success", method, path, resp.StatusCode, out, err)
	}
	return out
}

// In is the same world for a subtest.
func (w *World) In(t testing.TB) *World {
	sub := *w
	sub.T = t
	return &sub
}

// Age moves what is known of a connection's tokens into the past, as if that
// much time had gone by since the last call.
func (w *World) Age(connection string, by time.Duration) {
	w.T.Helper()
	for _, of := range []struct {
		table, key string
		columns    []string
	}{
		{"grants", "id", []string{"access_expires", "refreshed_at", "rejected_at", "retry_at", "lease_until"}},
		{"attempts", "grant_id", []string{"started_at", "deadline", "ended_at"}},
	} {
		var set []string
		for _, c := range of.columns { // 0 stands for "never"
			set = append(set, c+" = CASE WHEN "+c+" > 0 THEN "+c+" - $1 ELSE 0 END")
		}
		w.SQL("UPDATE "+of.table+" SET "+strings.Join(set, ", ")+" WHERE "+of.key+
			" = (SELECT grant_id FROM connections WHERE id = $2)", by.Microseconds(), connection)
	}
	var grant lanyard.GrantID
	w.One(&grant, `SELECT grant_id FROM connections WHERE id = $1`, connection)
	w.Server.Spool().Unmark(grant) // else the row is taken for one of an old backup
}
