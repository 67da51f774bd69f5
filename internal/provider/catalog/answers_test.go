package catalog_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lanyard"
	"lanyard/internal/egress"
	"lanyard/internal/provider"
	"lanyard/internal/provider/catalog"
)

// recorded is one answer of testdata, written from the providers' documentation, and what it means.
type recorded struct {
	Name   string              `json:"name"`
	Kind   lanyard.AttemptKind `json:"kind"`
	Status int                 `json:"status"`
	Header http.Header         `json:"header"`
	Body   string              `json:"body"`
	Want   result              `json:"want"`
}

type result struct {
	Outcome    lanyard.Outcome `json:"outcome"`
	Error      string          `json:"error"`
	Reason     lanyard.Code    `json:"reason"`
	RetryAfter int             `json:"retry_after"`
	Tokens     []issued        `json:"tokens"`
}

type issued struct {
	Kind      string   `json:"kind"`
	Access    string   `json:"access"`
	Refresh   string   `json:"refresh"`
	Scopes    []string `json:"scopes"`
	ExpiresIn int      `json:"expires_in"`
	APIBase   string   `json:"api_base"`
}

var sent = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func (r recorded) answer(body string, cut bool) provider.Answer {
	return provider.Answer{Sent: true, SentAt: sent, Status: r.Status, Header: r.Header, Body: lanyard.NewSecret(body), Cut: cut}
}

func plain(r provider.Result) result {
	out := result{Outcome: r.Outcome, Error: r.Error, Reason: r.Reason, RetryAfter: int(r.RetryAfter.Seconds())}
	for _, i := range r.Tokens {
		p := issued{Kind: i.Kind, Access: string(i.Tokens.Access.Reveal()), Refresh: string(i.Tokens.Refresh.Reveal()), Scopes: i.Tokens.Scopes, APIBase: i.Tokens.APIBase}
		if !i.Tokens.ExpiresAt.IsZero() {
			p.ExpiresIn = int(i.Tokens.ExpiresAt.Sub(sent).Seconds())
		}
		out.Tokens = append(out.Tokens, p)
	}
	return out
}

// providers names the catalogue's entries and an app at each.
var providers = map[string]lanyard.App{
	"zoom":      {Provider: "zoom", ClientID: "zoom-client", Scopes: []string{"user:read:user", "user:read:token"}, ScopesOptional: []string{"user:read:zak"}},
	"google":    {Provider: "google", ClientID: "google-client", Scopes: []string{"openid", "email", "https://www.googleapis.com/auth/calendar.readonly"}},
	"microsoft": {Provider: "microsoft", ClientID: "ms-client", Scopes: []string{"openid", "profile", "email", "offline_access", "User.Read", "Calendars.Read"}},
	"slack":     {Provider: "slack", ClientID: "slack-client", Scopes: []string{"chat:write", "users:read", "user:search:read"}},
}

func target(t *testing.T, id string) *provider.Target {
	t.Helper()
	got, err := set(t).Target(providers[id])
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func set(t *testing.T) *provider.Set {
	t.Helper()
	entries, err := catalog.Load("")
	if err != nil {
		t.Fatal(err)
	}
	client, err := egress.New(egress.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := provider.NewSet(client, entries...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func recordings(t *testing.T, id string) []recorded {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + id + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var list []recorded
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&list); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestRecordedAnswers(t *testing.T) {
	for id := range providers {
		tgt := target(t, id)
		for _, r := range recordings(t, id) {
			t.Run(id+"/"+r.Name, func(t *testing.T) {
				a := r.answer(r.Body, false)
				got := tgt.Parse(r.Kind, a)
				if r.Want.Outcome == lanyard.OutcomeOK {
					got.Reason = ""
				}
				if diff := cmp.Diff(r.Want, plain(got)); diff != "" {
					t.Errorf("want -, got +:\n%s", diff)
				}
				// Kept and read again, it means the same (I4).
				kept, err := provider.DecodeAnswer(a.Encode())
				if err != nil {
					t.Fatal(err)
				}
				again := tgt.Parse(r.Kind, kept)
				if r.Want.Outcome == lanyard.OutcomeOK {
					again.Reason = ""
				}
				if diff := cmp.Diff(plain(got), plain(again)); diff != "" {
					t.Errorf("kept answer reads differently:\n%s", diff)
				}
				if text := fmt.Sprintf("%+v %v", got, kept); strings.Contains(text, "access-1") || strings.Contains(text, "refresh-1") {
					t.Errorf("a token shows: %s", text)
				}
			})
		}
	}
}

// A cut answer of a provider that rotates holds the only refresh token there is. At every byte: no token is ever partial, each
// one that arrived whole is kept, and nothing damaged is a verdict.
func TestCutAtEveryByte(t *testing.T) {
	for id := range providers {
		tgt := target(t, id)
		for _, r := range recordings(t, id) {
			whole := plain(tgt.Parse(r.Kind, r.answer(r.Body, false)))
			for n := range len(r.Body) {
				cut := r.Body[:n]
				got := plain(tgt.Parse(r.Kind, r.answer(cut, true)))
				where := fmt.Sprintf("%s/%s cut to %q", id, r.Name, cut)
				switch whole.Outcome {
				case lanyard.OutcomeOK:
					checkSaved(t, where, cut, whole, got)
				case lanyard.OutcomeRejected, lanyard.OutcomeInteraction:
					if got.Outcome == lanyard.OutcomeRejected || got.Outcome == lanyard.OutcomeInteraction {
						t.Errorf("%s: a verdict (%s)", where, got.Outcome)
					}
				}
				if got.Outcome == lanyard.OutcomeOK {
					t.Errorf("%s: ok", where)
				}
			}
		}
	}
}

func checkSaved(t *testing.T, where, cut string, whole, got result) {
	t.Helper()
	for _, w := range whole.Tokens {
		var g issued
		for _, have := range got.Tokens {
			if have.Kind == w.Kind {
				g = have
			}
		}
		for _, token := range []struct{ name, want, got string }{{"access", w.Access, g.Access}, {"refresh", w.Refresh, g.Refresh}} {
			arrived := token.want != "" && strings.Contains(cut, `"`+token.want+`"`)
			switch {
			case token.got != "" && token.got != token.want:
				t.Errorf("%s: %s token of %s is %q", where, token.name, w.Kind, token.got)
			case arrived && token.got == "" && w.Kind != "user":
				t.Errorf("%s: %s token of %s arrived and is lost", where, token.name, w.Kind)
			case arrived && token.got == "" && !strings.Contains(cut, "authed_user"):
				// A refreshed user token of Slack's is told from the bot's by token_type, which may be cut off: it then goes by "bot".
				if !anyHas(got.Tokens, token.want) {
					t.Errorf("%s: %s token arrived and is lost", where, token.name)
				}
			}
		}
	}
	if len(got.Tokens) > 0 && got.Outcome != lanyard.OutcomePartial || len(got.Tokens) == 0 && got.Outcome != lanyard.OutcomeUnknown {
		t.Errorf("%s: outcome %s with %d credentials", where, got.Outcome, len(got.Tokens))
	}
}

func anyHas(list []issued, token string) bool {
	for _, i := range list {
		if i.Access == token || i.Refresh == token {
			return true
		}
	}
	return false
}
