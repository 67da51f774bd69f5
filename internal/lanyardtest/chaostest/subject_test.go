package chaostest_test

import (
	"net/http"
	"strings"
	"testing"
)

// A renewal brings the tokens of somebody else, as its ID token says. They are not
// handed out, and it is no word about the person's own grant (OpenID Connect Core
// §12.2).
func TestARenewalThatBringsAnotherAccountsTokens(t *testing.T) {
	t.Parallel()
	c := newChaos(t)
	const withID = `{"access_token":"{A}","refresh_token":"{R}","expires_in":3600,"id_token":"{ID}"}`
	t.Run("answers", func(t *testing.T) {
		for _, class := range classes {
			t.Run("another subject/"+class, func(t *testing.T) {
				t.Parallel()
				r := c.in(t).subscriber(class)
				r.h.arm(1, spends(func(k *call) {
					k.h.mu.Lock()
					k.h.owner[k.fresh.access] = "somebody-else"
					k.h.mu.Unlock()
					write(k, plain(200, strings.ReplaceAll(k.fill(withID), "{ID}", idToken(k.h.base, "somebody-else"))))
				}))
				r.due()
				if a := r.read(1)[0]; a.status != http.StatusOK || a.body.Str("access_token") != r.first || a.body.Str("warning") == "" {
					t.Errorf("got %d %v, want the person's own token with a warning", a.status, a.body)
				}
				r.alive("at once")
				r.recovers(class)
			})
			t.Run("the same subject of an issuer that is written in another way/"+class, func(t *testing.T) {
				t.Parallel()
				r := c.in(t).subscriber(class)
				r.h.arm(1, spends(func(k *call) {
					k.arrives()
					write(k, plain(200, strings.ReplaceAll(k.fill(withID), "{ID}", idToken(strings.TrimPrefix(k.h.base, "http://"), r.person))))
				}))
				r.due()
				if a := r.read(1)[0]; a.status != http.StatusOK || a.body.Str("access_token") == r.first {
					t.Errorf("got %d %v, want a new token", a.status, a.body)
				}
				r.recovers(class)
			})
		}
	})
	c.quiet(t)
}

// subscriber is a connection at a provider that speaks OpenID Connect.
func (c *chaos) subscriber(class string) *round {
	c.T.Helper()
	h := newHostile(c.whole, class)
	h.oidc = true
	r := c.connect(h, c.app(h), newName("person"))
	r.first = r.read(1)[0].body.Str("access_token")
	return r
}
