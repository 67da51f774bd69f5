package proxy

import (
	"context"
	"errors"
	"testing"
	"time"

	"lanyard"
)

type bots struct {
	rules  []lanyard.ProxyRule
	people []lanyard.Candidate
	err    error
}

func (b bots) Rules(context.Context, lanyard.Principal, lanyard.BotID) ([]lanyard.ProxyRule, []lanyard.Candidate, error) {
	return b.rules, b.people, b.err
}

func rule(t *testing.T, text string) []lanyard.ProxyRule {
	t.Helper()
	r, err := lanyard.ParseProxyRule(text)
	if err != nil {
		t.Fatal(err)
	}
	return []lanyard.ProxyRule{r}
}

// A bot's own key makes the calls that the bot may make, and that the key may; a bot to
// which nothing is allowed makes none.
func TestRulesOfABot(t *testing.T) {
	mine, both := lanyard.Principal{Bot: "bot_1"}, lanyard.Principal{Bot: "bot_1", Rules: rule(t, "GET,POST /v2/** max=10")}
	over := errors.New("over")
	for _, c := range []struct {
		name   string
		p      lanyard.Principal
		bots   Bots
		method string
		want   error
		limit  int64
	}{
		{"what the bot may", mine, bots{rules: rule(t, "GET /v2/x max=50")}, "GET", nil, 50},
		{"what it may not", mine, bots{rules: rule(t, "GET /v2/x")}, "POST", lanyard.CodeProxyNotAllowed, 0},
		{"what bot and key may: the smaller answer", both, bots{rules: rule(t, "GET /v2/x max=50")}, "GET", nil, 10},
		{"what the key alone may", both, bots{rules: rule(t, "GET /v2/x")}, "POST", lanyard.CodeProxyNotAllowed, 0},
		{"what the bot alone may", both, bots{rules: rule(t, "DELETE /v2/x")}, "DELETE", lanyard.CodeProxyNotAllowed, 0},
		{"a bot without rules", mine, bots{}, "GET", lanyard.CodeProxyNotAllowed, 0},
		{"no bots at all", mine, nil, "GET", lanyard.CodeProxyNotAllowed, 0},
		{"a bot that is over", mine, bots{err: over}, "GET", over, 0},
	} {
		k := &call{method: c.method, limit: 100}
		k.readings = [][]string{{"v2", "x"}}
		rules, _, err := New(Config{Bots: c.bots}).rulesOf(t.Context(), c.p)
		if err == nil {
			err = k.through(rules, time.Now())
		}
		if !errors.Is(err, c.want) || c.want == nil && (err != nil || k.limit != c.limit) {
			t.Errorf("%s: got %v and %d bytes, want %v and %d", c.name, err, k.limit, c.want, c.limit)
		}
	}
}

func TestWhomABotCallsFor(t *testing.T) {
	ana := lanyard.Connection{ID: "con_ana", Person: "per_ana", Label: "sales"}
	for _, c := range []struct {
		name string
		k    lanyard.Candidate
		want bool
	}{
		{"named", lanyard.Candidate{Connection: "con_ana"}, true},
		{"another", lanyard.Candidate{Connection: "con_ben"}, false},
		{"a person's", lanyard.Candidate{Person: "per_ana"}, true},
		{"another person's", lanyard.Candidate{Person: "per_ben"}, false},
		{"of the group", lanyard.Candidate{Label: "sales"}, true},
		{"of another", lanyard.Candidate{Label: "support"}, false},
		{"whoever is the host", lanyard.Candidate{Host: true}, false},
		{"nobody", lanyard.Candidate{}, false},
	} {
		if got := fits(c.k, ana); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}
