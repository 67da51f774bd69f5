package lanyard_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"lanyard"
)

// noon is in Lisbon, in summer: an hour before UTC's.
func noon(t *testing.T) time.Time {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Lisbon")
	if err != nil {
		t.Fatal(err)
	}
	return time.Date(2026, 7, 10, 12, 0, 0, 0, zone)
}

func TestProxyRules(t *testing.T) {
	now := noon(t)
	for _, c := range []struct {
		name, rule, method, path, query string
		want                            bool
	}{
		{"as it is written", "GET /v2/users/me", "GET", "/v2/users/me", "", true},
		{"another method", "GET /v2/users/me", "DELETE", "/v2/users/me", "", false},
		{"one of two methods", "GET,PATCH /v2/users/me", "PATCH", "/v2/users/me", "", true},
		{"longer", "GET /v2/users/me", "GET", "/v2/users/me/token", "", false},
		{"shorter", "GET /v2/users/me", "GET", "/v2/users", "", false},
		{"a slash at the end is another path", "GET /v2/users/me", "GET", "/v2/users/me/", "", false},
		{"letter case counts", "GET /v2/users/me", "GET", "/V2/users/me", "", false},
		{"one segment", "GET /v2/meetings/*", "GET", "/v2/meetings/81234567890", "", true},
		{"not two", "GET /v2/meetings/*", "GET", "/v2/meetings/81234567890/recordings", "", false},
		{"nor none", "GET /v2/meetings/*", "GET", "/v2/meetings/", "", false},
		{"the rest", "GET /v2/**", "GET", "/v2/a/b/c", "", true},
		{"the rest is something", "GET /v2/**", "GET", "/v2", "", false},
		{"no limits: any query", "GET /v2/users/me", "GET", "/v2/users/me", "a=b&c=d", true},
		{"a parameter that is not named", "GET /e?q", "GET", "/e", "q=x&r=y", false},
		{"one that may be anything", "GET /e?q", "GET", "/e", "q=x", true},
		{"twice", "GET /e?q", "GET", "/e", "q=x&q=y", false},
		{"names are exact", "GET /e?q", "GET", "/e", "Q=x", false},
		{"one of the values", "GET /e?type=a|b", "GET", "/e", "type=b", true},
		{"none of them", "GET /e?type=a|b", "GET", "/e", "type=c", false},
		{"an optional one is not there", "GET /e?type=a|b", "GET", "/e", "", true},
		{"a required one is not there", "GET /e?type!=a|b", "GET", "/e", "", false},
		{"a number", "GET /e?n=1..50", "GET", "/e", "n=50", true},
		{"too large", "GET /e?n=1..50", "GET", "/e", "n=51", false},
		{"a number that is none", "GET /e?n=1..50", "GET", "/e", "n=5e1", false},
		{"open to one side", "GET /e?n=..50", "GET", "/e", "n=-3", true},
		{"today", "GET /e?from=today..today+7d", "GET", "/e", "from=2026-07-10", true},
		{"yesterday", "GET /e?from=today..today+7d", "GET", "/e", "from=2026-07-09", false},
		{"the last day", "GET /e?from=today..today+7d", "GET", "/e", "from=2026-07-17T23:59:59%2B01:00", true},
		{"its end, as an end", "GET /e?from=today..today+7d", "GET", "/e", "from=2026-07-18T00:00:00%2B01:00", true},
		{"after it", "GET /e?from=today..today+7d", "GET", "/e", "from=2026-07-18T00:00:01%2B01:00", false},
		{"the last moment of yesterday, by UTC", "GET /e?from=today..today+7d", "GET", "/e", "from=2026-07-09T22:59:59Z", false},
		{"the first of today, by UTC", "GET /e?from=today..today+7d", "GET", "/e", "from=2026-07-09T23:00:00Z", true},
		{"without a zone", "GET /e?from=today..today+7d", "GET", "/e", "from=2026-07-10T00:00:00", true},
		{"a day before", "GET /e?from=today-1d..", "GET", "/e", "from=2026-07-09", true},
		{"a fixed day", "GET /e?to=..2026-12-31", "GET", "/e", "to=2027-01-02", false},
		{"words for a day", "GET /e?from=today..today+7d", "GET", "/e", "from=tomorrow", false},
	} {
		rule, err := lanyard.ParseProxyRule(c.rule)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		query, err := url.ParseQuery(c.query)
		if err != nil {
			t.Fatal(err)
		}
		call := lanyard.ProxyCall{Method: c.method, Query: query, Paths: [][]string{strings.Split(c.path[1:], "/")}}
		if got := rule.Fits(call, now); got != c.want {
			t.Errorf("%s: %s for %s %s?%s: got %v, want %v", c.name, c.rule, c.method, c.path, c.query, got, c.want)
		}
	}
}

// A path that one server reads as two segments and another as one has to fit both times.
func TestAProxyRuleHoldsInEveryReading(t *testing.T) {
	rule := lanyard.ProxyRule{Methods: []string{"GET"}, Path: "/v2/meetings/*"}
	one, two := []string{"v2", "meetings", "1%2Frecordings"}, []string{"v2", "meetings", "1", "recordings"}
	if rule.Fits(lanyard.ProxyCall{Method: "GET", Paths: [][]string{one, two}}, time.Now()) {
		t.Error("fits in one reading, and was let through")
	}
	if !rule.Fits(lanyard.ProxyCall{Method: "GET", Paths: [][]string{one}}, time.Now()) {
		t.Error("fits in its only reading, and was not let through")
	}
	if rule.Fits(lanyard.ProxyCall{Method: "GET"}, time.Now()) {
		t.Error("a call without a path was let through")
	}
	if rule.Fits(lanyard.ProxyCall{Method: "GET", Host: "zoom.us", Paths: [][]string{one}}, time.Now()) {
		t.Error("a rule for the usual host let a call to another through")
	}
}

func TestProxyRulesThatAreNone(t *testing.T) {
	for _, text := range []string{"", "GET", "GET v2", "GET /a/../b", "GET /a//b", "GET /a/%2e", "GET /a/**/b", "GET /a*", "get /a", "TRACE /a", "CONNECT /a",
		"GET /a?q=1..today", "GET /a?q=tomorrow..", "GET /a?q=today+7..", "GET /a?q=today7d..", "GET /a?=x", "GET /a max=much", "GET /a max=-1", "GET /a host=Zoom.us", "GET /a host=zoom.us/x",
		"GET /a header=A:b", "GET /a more=1", "GET /a?q=today+99999d.."} {
		if _, err := lanyard.ParseProxyRule(text); lanyard.CodeOf(err) != lanyard.CodeInvalidRequest {
			t.Errorf("%q: got %v, want invalid_request", text, err)
		}
	}
	rule := func(text string) lanyard.ProxyRule {
		r, err := lanyard.ParseProxyRule(text)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	a, b := rule("GET /a?q=1..2"), rule("GET /b")
	for _, c := range []struct {
		name          string
		theirs, given []lanyard.ProxyRule
		want          bool
	}{
		{"no rules give anything", nil, []lanyard.ProxyRule{a}, true},
		{"or nothing", nil, nil, true},
		{"one of two", []lanyard.ProxyRule{a, b}, []lanyard.ProxyRule{b}, true},
		{"another", []lanyard.ProxyRule{a}, []lanyard.ProxyRule{b}, false},
		{"the same without its limits", []lanyard.ProxyRule{a}, []lanyard.ProxyRule{rule("GET /a")}, false},
		{"the same with a larger answer", []lanyard.ProxyRule{rule("GET /a max=10")}, []lanyard.ProxyRule{rule("GET /a")}, false},
		{"no rules are every call", []lanyard.ProxyRule{a}, nil, false},
	} {
		if got := lanyard.ProxyWithin(c.theirs, c.given); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}
