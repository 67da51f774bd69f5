package provider_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/provider"
)

var at = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func answer(status int, body string) provider.Answer {
	return provider.Answer{Sent: true, SentAt: at, Status: status, Body: lanyard.NewSecret(body)}
}

// one is what a test says of a single credential: access, refresh, seconds to live.
func one(r provider.Result) string {
	if len(r.Tokens) == 0 {
		return string(r.Outcome)
	}
	s := r.Tokens[0].Tokens
	life := "never"
	if !s.ExpiresAt.IsZero() {
		life = fmt.Sprint(int(s.ExpiresAt.Sub(at).Seconds()))
	}
	return fmt.Sprintf("%s a=%s r=%s %s %v", r.Outcome, s.Access.Reveal(), s.Refresh.Reveal(), life, s.Scopes)
}

func gzipped(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(s))
	if err = errors.Join(err, z.Close()); err != nil {
		panic(err)
	}
	return b.String()
}

func TestParseOddAnswers(t *testing.T) {
	tgt := custom(t, "https://crm.example", object{"times": object{"access": 1800}})
	unknown := custom(t, "https://crm.example", nil)
	for _, c := range []struct {
		name string
		t    *provider.Target
		body string
		cut  bool
		want string
	}{
		{"plain", tgt, `{"access_token":"a","refresh_token":"r","expires_in":3600,"token_type":"Bearer","scope":"x y"}`, false, "ok a=a r=r 3600 [x y]"},
		{"token type in any case", tgt, `{"access_token":"a","token_type":"bEaReR"}`, false, "ok a=a r= 1800 []"},
		{"no life said: the documented one", tgt, `{"access_token":"a"}`, false, "ok a=a r= 1800 []"},
		{"no life said or documented", unknown, `{"access_token":"a"}`, false, "ok a=a r= never []"},
		{"life as text", tgt, `{"access_token":"a","expires_in":"120"}`, false, "ok a=a r= 120 []"},
		{"life as a float", tgt, `{"access_token":"a","expires_in":120.9}`, false, "ok a=a r= 120 []"},
		{"life in exponents", tgt, `{"access_token":"a","expires_in":3.6e3}`, false, "ok a=a r= 3600 []"},
		{"life of nothing", tgt, `{"access_token":"a","expires_in":0}`, false, "ok a=a r= 60 []"},
		{"negative life", tgt, `{"access_token":"a","expires_in":-5}`, false, "ok a=a r= 60 []"},
		{"endless life", tgt, `{"access_token":"a","expires_in":1e999}`, false, "ok a=a r= 7776000 []"},
		{"life with a unit", tgt, `{"access_token":"a","expires_in":"3600s"}`, false, "ok a=a r= 3600 []"},
		{"life with a unit in words", tgt, `{"access_token":"a","expires_in":"90 seconds"}`, false, "ok a=a r= 90 []"},
		{"life in hours", tgt, `{"access_token":"a","expires_in":"1h"}`, false, "ok a=a r= 3600 []"},
		{"life in words, nothing documented: not for ever", unknown, `{"access_token":"a","expires_in":"soon"}`, false, "ok a=a r= 3600 []"},
		{"life lost, nothing documented: not for ever", unknown, `{"access_token":"a","refresh_token":"r","expi`, true, "ok_partial a=a r=r 3600 []"},
		{"life null, nothing documented", unknown, `{"access_token":"a","expires_in":null}`, false, "ok a=a r= never []"},
		{"life that is no number", tgt, `{"access_token":"a","expires_in":"soon"}`, false, "ok a=a r= 1800 []"},
		{"life that is not a number, by name", tgt, `{"access_token":"a","expires_in":"NaN"}`, false, "ok a=a r= 1800 []"},
		{"life null", tgt, `{"access_token":"a","expires_in":null}`, false, "ok a=a r= 1800 []"},
		{"byte order mark and space", tgt, "\ufeff \r\n{\"access_token\":\"a\"}\n", false, "ok a=a r= 1800 []"},
		{"escapes", tgt, `{"access_\u0074oken":"\u0061\/b"}`, false, "ok a=a/b r= 1800 []"},
		{"scope as a list", tgt, `{"access_token":"a","scope":["y","x"]}`, false, "ok a=a r= 1800 [x y]"},
		{"scope empty: not said", tgt, `{"access_token":"a","scope":""}`, false, "ok a=a r= 1800 []"},
		{"form", tgt, `access_token=a%2Bb&refresh_token=r&expires_in=60`, false, "ok a=a+b r=r 60 []"},
		{"form, cut: the last value is not certain", tgt, `access_token=a&refresh_token=r2&expires_in=36`, true, "ok_partial a=a r=r2 1800 []"},
		{"form, cut in the token", tgt, `refresh_token=r&access_token=abc`, true, "ok_partial a= r=r 0 []"},
		{"cut in a number", tgt, `{"access_token":"a","expires_in":36`, true, "ok_partial a=a r= 1800 []"},
		{"cut before the refresh token ended", tgt, `{"access_token":"a","refresh_token":"r2`, true, "ok_partial a=a r= 1800 []"},
		{"cut in an escape", tgt, `{"access_token":"a","refresh_token":"r2\`, true, "ok_partial a=a r= 1800 []"},
		{"refresh token alone arrived", tgt, `{"refresh_token":"r2","access_token":"aaa`, true, "ok_partial a= r=r2 0 []"},
		{"text behind the object", tgt, `{"access_token":"a"}<!-- x -->`, false, "ok_partial a=a r= 1800 []"},
		{"wrong in the middle", tgt, `{"access_token":"a","refresh_token":"r",!}`, false, "ok_partial a=a r=r 1800 []"},
		{"member twice: the last counts", tgt, `{"access_token":"a","access_token":"b"}`, false, "ok_partial a=b r= 1800 []"},
		{"other letter case is another member", tgt, `{"Access_Token":"x","access_token":"a"}`, false, "ok a=a r= 1800 []"},
		{"token type we cannot present", tgt, `{"access_token":"a","token_type":"mac"}`, false, "unknown"},
		{"the same, with a refresh token", tgt, `{"access_token":"a","refresh_token":"r2","token_type":"DPoP"}`, false, "ok_partial a= r=r2 0 []"},
		{"token type with space around it", tgt, `{"access_token":"a","token_type":" Bearer "}`, false, "ok a=a r= 1800 []"},
		{"a member twice, the last says nothing", tgt, `{"access_token":"a","refresh_token":"r","refresh_token":"","access_token":null}`, false, "ok_partial a=a r=r 1800 []"},
		{"wrong before the tokens", tgt, `{"x":tru,"y":01x,"access_token":"a"}`, false, "ok_partial a=a r= 1800 []"},
		{"a string that is none before the tokens", tgt, `{"x":"\q","\q":1,"access_token":"a"}`, false, "ok_partial a=a r= 1800 []"},
		{"not UTF-8 elsewhere", tgt, "{\"x\":\"Ren\xe9\",\"access_token\":\"a\"}", false, "ok_partial a=a r= 1800 []"},
		{"too deep before the tokens", tgt, `{"x":` + strings.Repeat(`[{"y":"]}`+`",`+`"z":`, 40) + "1" + strings.Repeat("}]", 40) + `,"access_token":"a"}`, false, "ok_partial a=a r= 1800 []"},
		{"gzip", tgt, gzipped(`{"access_token":"a","refresh_token":"r"}`), true, "ok a=a r=r 1800 []"},
		{"gzip, cut", tgt, gzipped(`{"access_token":"a","refresh_token":"r","x":"` + strings.Repeat("0123456789abcdef", 9_000) + `"}`)[:200], true, "ok_partial a=a r=r 1800 []"},
		{"gzip of nothing", tgt, "\x1f\x8b\x08", false, "unknown"},
		{"UTF-16 LE", tgt, "\xff\xfe{\x00\"\x00a\x00c\x00c\x00e\x00s\x00s\x00_\x00t\x00o\x00k\x00e\x00n\x00\"\x00:\x00\"\x00a\x00\"\x00}\x00", false, "ok a=a r= 1800 []"},
		{"UTF-16 BE without a mark", tgt, "\x00{\x00\"\x00a\x00c\x00c\x00e\x00s\x00s\x00_\x00t\x00o\x00k\x00e\x00n\x00\"\x00:\x00\"\x00a\x00\"\x00}", false, "ok a=a r= 1800 []"},
		{"token with a line break", tgt, `{"access_token":"a\r\nX: y"}`, false, "unknown"},
		{"token with a space", tgt, `{"access_token":"a b"}`, false, "unknown"},
		{"token not ASCII", tgt, `{"access_token":"é"}`, false, "unknown"},
		{"token that is a number", tgt, `{"access_token":5}`, false, "unknown"},
		{"token too long", tgt, `{"access_token":"` + strings.Repeat("a", 65<<10) + `"}`, false, "unknown"},
		{"token nested too deep to matter", tgt, strings.Repeat(`{"x":`, 40) + `{"access_token":"a"}`, false, "unknown"},
		{"nothing", tgt, ``, false, "unknown"},
		{"null", tgt, `null`, false, "unknown"},
		{"list", tgt, `[{"access_token":"a"}]`, false, "unknown"},
		{"page that speaks of tokens", tgt, `<html><a href="?access_token=x&amp;y=1">`, false, "unknown"},
		{"not UTF-8", tgt, "{\"access_token\":\"\xff\"}", false, "unknown"},
		{"UTF-16 of nothing", tgt, "\xff\xfe{\x00}\x00", false, "unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := answer(200, c.body)
			a.Cut = c.cut
			if got := one(c.t.Parse(lanyard.AttemptRefresh, a)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// Only a 2xx that is no refusal may give a refresh token alone: others repeat the one we sent.
func TestTokensInRefusals(t *testing.T) {
	tgt := custom(t, "https://crm.example", nil)
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   string
	}{
		{"refusal that repeats the token", 400, `{"error":"invalid_grant","refresh_token":"sent"}`, "rejected"},
		{"the same as a success", 200, `{"error":"invalid_grant","refresh_token":"sent"}`, "rejected"},
		{"fault that repeats it", 500, `{"refresh_token":"sent"}`, "unknown"},
		{"gateway that changed the status", 502, `{"access_token":"a","refresh_token":"r2"}`, "ok_partial a=a r=r2 never []"},
		{"created", 201, `{"access_token":"a"}`, "ok a=a r= never []"},
		{"redirect with tokens in it", 302, `{"access_token":"a","refresh_token":"r2"}`, "ok_partial a=a r=r2 never []"},
		{"redirect that repeats the token", 302, `{"refresh_token":"sent"}`, "app_error"},
		{"an error that is none", 200, `{"error":"","access_token":"a"}`, "ok a=a r= never []"},
		{"an error that is null", 200, `{"error":null,"refresh_token":"r2"}`, "ok_partial a= r=r2 0 []"},
	} {
		if got := one(tgt.Parse(lanyard.AttemptRefresh, answer(c.status, c.body))); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestClassification(t *testing.T) {
	tgt := custom(t, "https://crm.example", nil)
	for _, c := range []struct {
		status int
		body   string
		header http.Header
		want   string
	}{
		{400, `{"error":"invalid_grant"}`, nil, "rejected needs_reauth invalid_grant"},
		{401, `{"error":"invalid_grant"}`, nil, "rejected needs_reauth invalid_grant"},
		{400, `error=invalid_grant&error_description=x`, nil, "rejected needs_reauth invalid_grant"},
		{200, `{"error":"invalid_grant"}`, nil, "rejected needs_reauth invalid_grant"},
		{500, `{"error":"invalid_grant"}`, nil, "unknown provider_unavailable invalid_grant"},
		{400, `{"error":"invalid_client"}`, nil, "app_error app_misconfigured invalid_client"},
		{401, `{"error":"unauthorized_client"}`, nil, "app_error app_misconfigured unauthorized_client"},
		{400, `{"error":"unsupported_grant_type"}`, nil, "app_error app_misconfigured unsupported_grant_type"},
		{400, `{"error":"invalid_scope"}`, nil, "app_error app_misconfigured invalid_scope"},
		{400, `{"error":"invalid_request"}`, nil, "app_error app_misconfigured invalid_request"},
		{400, `{"error":"interaction_required"}`, nil, "interaction needs_reauth interaction_required"},
		{403, `{"error":"access_denied"}`, nil, "interaction admin_policy access_denied"},
		{400, `{"error":"temporarily_unavailable"}`, nil, "throttled provider_unavailable temporarily_unavailable"},
		{400, `{"error":"server_error"}`, nil, "unknown provider_unavailable server_error"},
		{400, `{"error":"never_heard_of"}`, nil, "app_error app_misconfigured never_heard_of"},
		{400, `{}`, nil, "app_error app_misconfigured http_400"},
		{401, ``, nil, "app_error app_misconfigured http_401"},
		{403, `<html>blocked</html>`, nil, "app_error app_misconfigured http_403"},
		{404, `<html>`, nil, "app_error app_misconfigured http_404"},
		{405, ``, nil, "app_error app_misconfigured http_405"},
		{301, ``, nil, "app_error app_misconfigured http_301"},
		{308, `{"refresh_token":"a"}`, nil, "app_error app_misconfigured http_308"},
		{408, ``, nil, "unknown provider_unavailable http_408"},
		{409, ``, nil, "unknown provider_unavailable http_409"},
		{409, `{"error":"invalid_grant"}`, nil, "rejected needs_reauth invalid_grant"},
		{421, ``, nil, "unknown provider_unavailable http_421"},
		{423, ``, nil, "unknown provider_unavailable http_423"},
		{425, ``, nil, "unknown provider_unavailable http_425"},
		{429, ``, nil, "throttled provider_unavailable http_429"},
		{503, ``, nil, "unknown provider_unavailable http_503"},
		{503, ``, http.Header{"Retry-After": {"3"}}, "throttled provider_unavailable http_503 3s"},
		{503, ``, http.Header{"Retry-After": {"later"}}, "unknown provider_unavailable http_503"},
		{500, ``, http.Header{"Retry-After": {"3"}}, "unknown provider_unavailable http_500"},
		{502, ``, nil, "unknown provider_unavailable http_502"},
		{0, ``, nil, "unknown provider_unavailable "},
		{200, `ok`, nil, "unknown provider_unavailable "},
		{204, ``, nil, "unknown provider_unavailable "},
	} {
		a := answer(c.status, c.body)
		a.Header = c.header
		r := tgt.Parse(lanyard.AttemptRefresh, a)
		got := fmt.Sprintf("%s %s %s", r.Outcome, r.Reason, r.Error)
		if r.RetryAfter > 0 {
			got += " " + r.RetryAfter.String()
		}
		if got != c.want {
			t.Errorf("%d %s: got %q, want %q", c.status, c.body, got, c.want)
		}
	}
}

// T15: providers put tokens, addresses and sentences where the error code belongs.
func TestNoProviderTextLeaves(t *testing.T) {
	tgt := custom(t, "https://crm.example", nil)
	for _, text := range []string{"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "xoxe.xoxp-1-Mi0yLT", "ana@example.com", "Refresh token for Ana is invalid", "<script>alert(1)</script>",
		"a\nb", "CANARY-7f3a", "canary7f3a", strings.Repeat("a", 300), "été", "1//0gabcdef"} {
		for _, body := range []string{`{"error":%q}`, `{"error":{"code":%q}}`, `{"error":"x","code":%q}`, `{"error":%q,"error_subtype":"y"}`} {
			r := tgt.Parse(lanyard.AttemptRefresh, answer(400, fmt.Sprintf(body, text)))
			if shown := fmt.Sprintf("%+v", r); strings.Contains(shown, text) {
				t.Errorf("%q leaves as %q", text, r.Error)
			}
			if r.Outcome != lanyard.OutcomeAppError {
				t.Errorf("%q: outcome %s", text, r.Outcome)
			}
		}
	}
}

func TestAnswersAreKept(t *testing.T) {
	a := answer(200, "{\"access_token\":\"\x00\xff")
	a.Cut, a.Err, a.RequestID, a.Header = true, fmt.Errorf("unexpected EOF"), "req", http.Header{"Date": {"x"}}
	got, err := provider.DecodeAnswer(a.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if string(got.Body.Reveal()) != string(a.Body.Reveal()) || !got.Cut || got.Err == nil || got.RequestID != "req" || !got.SentAt.Equal(a.SentAt) || got.Header.Get("Date") != "x" || !got.Sent {
		t.Errorf("got %+v", got)
	}
	for _, bad := range []string{"", "{}", `{"v":2}`, "x"} {
		if _, err := provider.DecodeAnswer(lanyard.NewSecret(bad)); err == nil {
			t.Errorf("DecodeAnswer(%q) gave an answer", bad)
		}
	}
}
