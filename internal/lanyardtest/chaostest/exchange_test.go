package chaostest_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"lanyard/internal/lanyardtest"
)

// A code is traded once, and the answer may be as odd as that to a renewal: what
// can be read of it becomes a connection; what cannot harms no connection that the
// person has already, and they may begin again.
func TestACodeIsTradedWhateverTheProviderAnswers(t *testing.T) {
	t.Parallel()
	c := newChaos(t)
	t.Run("matrix", func(t *testing.T) {
		for _, with := range slices.Concat(statusCells(), refusalCells(), bodyCells(), memberCells(), wireCells(), connectionCells()) {
			if with.slow || with.lasting || with.down != nil {
				continue
			}
			for _, class := range []string{static, reuseKill} {
				t.Run(with.name+"/"+class, func(t *testing.T) {
					t.Parallel()
					c.in(t).trade(with, class)
				})
			}
		}
	})
	c.quiet(t)
}

func (c *chaos) trade(with cell, class string) {
	h := newHostile(c.whole, class)
	app := c.app(h)
	has := c.connect(h, app, newName("person"))
	arrived := false
	consent := func(person string) (int, lanyardtest.JSON) {
		begin := c.OK("GET", "/v1/authorize-url?"+url.Values{"app_id": {app}, "redirect_uri": {lanyardtest.OwnCallback}, "end_user_id": {person}}.Encode(), nil)
		status, out := c.Call(c.Key, "POST", "/v1/connections", map[string]any{"app_id": app, "code": person, "state": begin.Str("state"), "redirect_uri": lanyardtest.OwnCallback})
		has.discreet(status, out)
		return status, out
	}
	traded := 0
	h.mu.Lock()
	h.trade = func(k *call) {
		h.mu.Lock()
		traded++
		h.mu.Unlock()
		with.play(k)
		h.mu.Lock()
		arrived = k.rt != nil && k.rt.given
		h.mu.Unlock()
	}
	h.mu.Unlock()

	stranger := newName("person")
	for _, person := range []string{has.person, stranger} {
		status, out := consent(person)
		h.mu.Lock()
		readable := arrived
		h.mu.Unlock()
		codes := []string{"code_rejected", "app_misconfigured", "provider_unavailable", "provider_answer_invalid", "identity_unavailable"}
		switch {
		case status == http.StatusCreated:
		case readable:
			c.T.Errorf("the answer can be read, and the exchange got %d %v", status, out)
		case !slices.Contains(codes, out.Str("code")):
			c.T.Errorf("the exchange got %d %v, want one of %v", status, out, codes)
		}
	}
	h.mu.Lock()
	if traded != 2 {
		c.T.Errorf("two codes were sent %d times", traded)
	}
	h.mu.Unlock()
	h.mend()
	has.recovers(class)
	for _, person := range []string{has.person, stranger} {
		if status, out := consent(person); status != http.StatusCreated || out.Str("status") != "active" {
			c.T.Errorf("to begin again: got %d %v, want an active connection", status, out)
		}
	}
	for _, f := range h.faults() {
		c.T.Error(f)
	}
}
