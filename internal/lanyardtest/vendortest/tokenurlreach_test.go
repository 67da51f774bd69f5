package vendortest_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"lanyard/internal/lanyardtest"
)

// Attack: a key that is limited to one label looks at the project's token URLs, and ends them.
// It used to be shown who everybody's are for, by the customer's own ids and with the meetings,
// those that were made for bots too, and could end each, or all that another key had made.
func TestALimitedKeyHasNothingToDoWithOthersTokenURLs(t *testing.T) {
	w := newURLWorld(t)
	w.OK("PATCH", "/v1/connections/"+w.ben.Str("id"), map[string]any{"label": "sales"})
	key := func(labels []string) (id, credential string) {
		made := w.OK("POST", "/v1/keys", map[string]any{"scopes": []string{"connect", "read", "join:onbehalf"}, "labels": labels})
		return made.Str("id"), made.Str("credential")
	}
	all, whole := key(nil)
	both, wider := key([]string{"sales", "care"})
	mine, limited := key([]string{"sales"})
	make := func(with string, candidates []map[string]any) lanyardtest.JSON {
		status, made := w.Call(with, "POST", "/v1/token-urls", map[string]any{"types": []string{"onbehalf"}, "candidates": candidates, "meetings": []string{w.number}})
		if status != 201 {
			t.Fatalf("got %d %v", status, made)
		}
		return made
	}
	theirs, wide, own := make(whole, []map[string]any{{"end_user_id": "ana-1"}}), make(wider, of(w.ben)), make(limited, of(w.ben))
	for _, path := range []string{"/v1/token-urls", "/v1/token-urls?key_id=" + all, "/v1/token-urls?key_id=" + both, "/v1/token-urls?key_id=" + mine} {
		_, got := w.Call(limited, "GET", path, nil)
		if text := fmt.Sprint(got); strings.Contains(text, "ana-1") || strings.Contains(text, theirs.Str("id")) || strings.Contains(text, wide.Str("id")) {
			t.Errorf("%s: got %v, want its own alone", path, got)
		}
		if seen := len(got.List("data")); seen != map[bool]int{true: 1}[path == "/v1/token-urls" || strings.HasSuffix(path, mine)] {
			t.Errorf("%s: got %d, want its own where they are", path, seen)
		}
	}
	for path, want := range map[string]string{"/" + theirs.Str("id"): "key_limited", "/" + wide.Str("id"): "key_limited", "?key_id=" + all: "key_limited",
		"?key_id=" + both: "key_limited", "/tu_00000000000000000000000000": "not_found", "?key_id=lyk_00000000000000000000000000": "not_found"} {
		if status, got := w.Call(limited, "DELETE", "/v1/token-urls"+path, nil); got.Str("code") != want {
			t.Errorf("%s: got %d %v, want %s", path, status, got, want)
		}
	}
	for name, u := range map[string]lanyardtest.JSON{"of a key without limits": theirs, "of one with more": wide} {
		if got := call(t, "GET", u.Str("url"), "", nil); got.status != 200 {
			t.Errorf("%s: got %d %s, want it to go on", name, got.status, got.body)
		}
	}
	if status, got := w.Call(limited, "DELETE", "/v1/token-urls?key_id="+mine, nil); status != 200 || got["revoked"] != 1.0 {
		t.Errorf("its own: got %d %v", status, got)
	}
	if got := call(t, "GET", own.Str("url"), "", nil); got.status != 401 {
		t.Errorf("its own, revoked: got %d", got.status)
	}
	for _, id := range []string{all, both} {
		if status, got := w.Call(whole, "DELETE", "/v1/token-urls?key_id="+id, nil); status != 200 || got["revoked"] != 1.0 {
			t.Errorf("by a key without limits: got %d %v", status, got)
		}
	}
}

// Attack: whoever has a leaked key makes token URLs as fast as they can while it is revoked
// with them. Each that they were given is over, on either database.
func TestNoTokenURLIsMadePastTheRevocationOfItsKey(t *testing.T) {
	lanyardtest.Each(t, noURLPastRevocation)
}

func noURLPastRevocation(t *testing.T, world *lanyardtest.World) {
	w := urlOn(t, world)
	for range 4 {
		k := w.OK("POST", "/v1/keys", map[string]any{"scopes": []string{"connect", "join:onbehalf"}})
		var wg sync.WaitGroup
		made := make(chan struct{}, 1000)
		for range 8 {
			wg.Go(func() {
				for range 100 {
					status, got := w.Call(k.Str("credential"), "POST", "/v1/token-urls", map[string]any{"types": []string{"onbehalf"}, "candidates": of(w.ana), "meetings": []string{w.number}})
					if status != 201 {
						if status >= 500 {
							t.Errorf("got %d %v", status, got)
						}
						return
					}
					made <- struct{}{}
				}
			})
		}
		for range 10 {
			<-made
		}
		w.OK("DELETE", "/v1/keys/"+k.Str("id")+"?token_urls=true", nil)
		wg.Wait()
		var all, inForce int
		w.One(&all, `SELECT count(*) FROM token_urls WHERE key_id = $1`, k.Str("id"))
		w.One(&inForce, `SELECT count(*) FROM token_urls WHERE key_id = $1 AND revoked_at = 0`, k.Str("id"))
		if all < 10 || inForce != 0 {
			t.Errorf("got %d made, of which %d live on, want none", all, inForce)
		}
	}
}
