package lanyardtest_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"lanyard/internal/lanyardtest"
)

// Twenty invitations of a person whom nobody knew: they used to collide on the
// person's row, and nineteen of them failed.
func TestOnePersonInvitedTwentyTimesAtOnce(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app := w.Zoom()
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				status, out := w.Call(w.Key, "POST", "/v1/connect-sessions", map[string]any{"app_id": app, "end_user": map[string]any{"id": "new"}, "return_url": lanyardtest.Return})
				if status != http.StatusCreated {
					t.Errorf("got %d %v, want an invitation", status, out)
				}
			})
		}
		wg.Wait()
		var people int
		if w.One(&people, `SELECT count(*) FROM persons`); people != 1 {
			t.Errorf("got %d people, want one", people)
		}
	})
}

// Eight end users connect the same account at the same moment: one grant, eight
// connections, all of which work.
func TestOneAccountConnectedByManyAtOnce(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app := w.Zoom()
		completions := map[string]string{}
		for n := range 8 {
			user := fmt.Sprintf("u%d", n)
			completions[user] = w.Browser().Consent(w.Invite(app, user).Str("connect_url"), "ana").Query().Get("lanyard_completion")
		}
		var mu sync.Mutex
		ok := 0
		var wg sync.WaitGroup
		for user, completion := range completions {
			wg.Go(func() {
				status, out := w.Call(w.Key, "POST", "/v1/connections", map[string]any{"completion": completion, "end_user_id": user})
				mu.Lock()
				defer mu.Unlock()
				if status == http.StatusCreated {
					ok++
				} else if out.Str("code") != "identity_unavailable" { // Zoom keeps one grant per person: the next exchange may end the token before it is asked whose it is
					t.Errorf("got %d %v", status, out)
				}
			})
		}
		wg.Wait()
		var grants int
		if w.One(&grants, `SELECT count(*) FROM grants`); grants != 1 || ok == 0 {
			t.Errorf("got %d grants and %d connections, want one grant", grants, ok)
		}
	})
}
