package connectpage_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/connectpage"
	"lanyard/internal/flow"
	"lanyard/internal/web"
)

// pretend is the other side of flow.Pages, as simple as pages need it: what an
// invitation's link is called decides what happens to it. It stands in for the
// service only to show every page; the journeys are tested with the real one.
type pretend struct {
	provider string // origin
	customer string // origin

	mu      sync.Mutex
	changed []string // calls of methods that change something
	held    map[string]url.Values
	last    flow.CallbackRequest
	fail    error // what the next Continue or Callback returns
}

const someApp = "app_0123456789abcdefghjkmnpqrs"

var zoomAsked = []flow.Permission{
	{Scope: "user:read:user", Say: "See your Zoom name, e-mail address and personal meeting ID"},
	{Scope: "user:read:token", Say: "Let a bot join meetings on your behalf, while you are in them", Sensitive: true, Writes: true},
	{Scope: "meeting:read:local_recording_token", Say: "Let a bot record meetings that you host", Sensitive: true, Writes: true},
}

func (s *pretend) Open(_ context.Context, link string) (flow.Invitation, error) {
	inv := flow.Invitation{
		Link: link, ProjectName: "Northwind Notes", Provider: "zoom", ProviderName: "Zoom", Asked: zoomAsked,
		Optional:    []flow.Permission{{Scope: "meeting:read:list_meetings", Say: "See your upcoming meetings, so that a bot is there in time"}},
		NotPossible: []string{"Nobody can read your chat messages or contacts.", "Nobody can change or delete your meetings.", "Nobody can see your past recordings."},
		ManageURL:   "https://marketplace.zoom.us/user/installed", PrivacyURL: "https://northwind.example/privacy",
		TermsURL: "https://northwind.example/terms", ExpiresAt: time.Now().Add(25*time.Minute + time.Second),
		CancelURL: s.customer + "/return?lanyard_error=consent_denied",
	}
	switch link {
	case "zoom":
	case "plain":
		inv = flow.Invitation{Link: link, ProviderName: "Slack", Provider: "slack"}
	case "again":
		inv.Reconnect, inv.LastError, inv.CancelURL = true, lanyard.CodeAccountMismatch, ""
	case "popup", "longway", "lost":
		inv.Popup = true
	case "hostile":
		const x = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>`
		inv = flow.Invitation{
			Link: `hostile`, ProjectName: "Evil\u202egro\u0000 " + x + strings.Repeat(" long", 99), Provider: x, ProviderName: x,
			LogoURL: "https://logo.example;script-src *//x.png", PrivacyURL: "javascript:alert(3)", TermsURL: "data:text/html,x",
			ManageURL: "//evil.example", CancelURL: "javascript:alert(4)",
			Asked: []flow.Permission{{Scope: x, Say: x}}, NotPossible: []string{x},
		}
	case "logo":
		inv.LogoURL = "https://cdn.northwind.example:8443/a/logo.png?v=2"
	case "expired":
		return flow.Invitation{}, lanyard.Errorf(lanyard.CodeLinkExpired, "")
	case "used":
		return flow.Invitation{}, lanyard.Errorf(lanyard.CodeLinkUsed, "")
	case "broken":
		return flow.Invitation{}, context.DeadlineExceeded
	default:
		return flow.Invitation{}, lanyard.Errorf(lanyard.CodeLinkUnknown, "")
	}
	return inv, nil
}

func (s *pretend) change(what string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed = append(s.changed, what)
	err := s.fail
	s.fail = nil
	return err
}

func (s *pretend) changes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

func (s *pretend) Mark(link string, text lanyard.ConsentText) string {
	return link + "." + text.Hash()
}

func (s *pretend) Continue(ctx context.Context, link string, shown flow.Shown, _ lanyard.Origin, _ string) (flow.Departure, error) {
	if _, err := s.Open(ctx, link); err != nil {
		return flow.Departure{}, err
	}
	if shown.Mark != "" && shown.Mark != s.Mark(link, shown.Text) {
		return flow.Departure{}, lanyard.Errorf(lanyard.CodePageChanged, "")
	}
	if err := s.change("continue"); err != nil {
		return flow.Departure{}, err
	}
	n := lanyard.Random(6)
	q := url.Values{"state": {link + "." + n}, "redirect": {"/oauth/callback/" + someApp}}
	if link == "longway" {
		q.Set("cut", "1")
	}
	return flow.Departure{URL: s.provider + "/authorize?" + q.Encode(), CookieName: "flow_" + n,
		CookieValue: lanyard.NewSecret("c-" + n), CookieAge: 10 * time.Minute}, nil
}

func (s *pretend) Callback(_ context.Context, r flow.CallbackRequest) (flow.Arrival, error) {
	if err := s.change("callback"); err != nil {
		return flow.Arrival{}, err
	}
	s.mu.Lock()
	s.last = r
	if h := r.Params.Get("lanyard_handle"); h != "" {
		r.Params = s.held[h]
	}
	s.mu.Unlock()
	link, n, ok := strings.Cut(r.Params.Get("state"), ".")
	if !ok {
		return flow.Arrival{}, lanyard.Errorf(lanyard.CodeAttemptUnknown, "")
	}
	if r.Cookie("flow_"+n) != "c-"+n {
		return flow.Arrival{}, lanyard.Errorf(lanyard.CodeBrowserMismatch, "")
	}
	a := flow.Arrival{ProviderName: "Zoom", ClearCookie: "flow_" + n}
	key, value := "lanyard_completion", "cmp_"+n
	if r.Params.Get("error") != "" {
		key, value = "lanyard_error", "consent_denied"
	}
	switch link {
	case "again":
		if key == "lanyard_error" {
			return a, lanyard.Errorf(lanyard.CodeConsentDenied, "")
		}
		a.Done = true
		return a, nil
	case "lost": // a pop-up whose opener is a page that we may not talk to
		a.Origin = "https://elsewhere.example"
	case "popup", "longway":
		a.Origin = s.customer
	}
	a.Message = map[string]string{key: value, "session": "cs_" + link}
	a.RedirectURL = s.customer + "/return?" + url.Values{key: {value}}.Encode()
	return a, nil
}

func (s *pretend) Hold(_ context.Context, _ lanyard.AppID, params url.Values) (string, error) {
	if err := s.change("hold"); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == nil {
		s.held = map[string]url.Values{}
	}
	h := lanyard.Random(8)
	s.held[h] = params
	return h, nil
}

// nobody is the JSON API's access, which no page calls.
type nobody struct {
	web.Access
	web.Answers
}

// handler is the pages behind package web, as the server has them.
func handler(t testing.TB, publicURL string, opens int, s *pretend) (http.Handler, *bytes.Buffer) {
	t.Helper()
	var logged bytes.Buffer
	log := slog.New(slog.NewTextHandler(&lockedWriter{w: &logged}, nil))
	front, err := web.New(web.Config{PublicURL: publicURL, Limits: web.Limits{OpensPerMinute: opens},
		Access: nobody{}, Answers: nobody{}, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	p, err := connectpage.New(connectpage.Config{Pages: s, Front: front, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	p.Mount()
	return front.Handler(), &logged
}

type lockedWriter struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}
