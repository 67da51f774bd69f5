package vendortest_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/lanyardtest/pretendtest"
)

// inWithAna has a vendor's bot in on behalf of Ana while Ben is there, too, who is next.
func (w *botWorld) inWithAna(body map[string]any) (bot lanyardtest.JSON) {
	w.T.Helper()
	w.present("ana", true)
	w.known(w.ana, "present")
	body["meeting_url"], body["candidates"] = w.link(), of(w.ana, w.ben)
	id := w.OK("POST", "/v1/bots", body).Str("id")
	w.becomes(id, "joined", "ana")
	w.present("ben", true)
	w.known(w.ben, "present")
	return w.bot(id)
}

// Ana leaves, and Zoom puts the vendor's bot out. That used to be its end. It is the same bot
// that comes in again with Ben: the vendor is asked for another, which it must not take for
// the first, with the same token URL. When nobody is left it is over.
func TestAVendorsBotComesAgainWithTheNextPerson(t *testing.T) {
	for kind := range pretended {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			w := newBotWorld(t, kind)
			b := w.inWithAna(map[string]any{"runner": kind, "name": "Notes", "deduplication_key": "deal-7"})
			id, first := b.Str("id"), b.Str("runner_ref")
			w.present("ana", false)
			got := w.becomes(id, "joined", "ben")
			if at := states(got); !slices.Equal(at, []string{"scheduled", "ready", "joining", "joined", "waiting_for_person", "ready", "joining", "joined"}) &&
				!slices.Equal(at, []string{"scheduled", "ready", "joined", "waiting_for_person", "ready", "joining", "joined"}) {
				t.Errorf("got the time line %v", at)
			}
			if sent := w.vendor.Bots(); len(sent) != 2 || got.Str("runner_ref") != sent[1].ID || w.given(0) != w.given(1) {
				t.Fatalf("the vendor was sent %+v, want a second request with the same token URL, and its name for the bot in %v", sent, got)
			}
			var n int
			if w.One(&n, `SELECT count(*) FROM entries WHERE what = 'bot.moved' AND detail LIKE '%"to":"ready"%' AND detail LIKE '%"was":"waiting_for_person"%'`); n != 1 {
				t.Errorf("got %d entries of the second request, want one", n)
			}
			// By its first name it is found, too; what is passed on to the vendor is about the second.
			if got := w.bot(first); first == w.vendor.Bots()[1].ID || got.Str("id") != id {
				t.Errorf("by its first name: got %v, want the bot", got)
			}
			for vendor, path := range map[lanyard.RunnerKind]string{lanyard.RunnerAttendee: "", lanyard.RunnerMeetStream: "/status"} {
				if vendor != kind {
					continue
				}
				got := call(t, "GET", w.URL+"/"+string(kind)+"/api/v1/bots/"+first+path, "", map[string]string{"Authorization": "Token " + w.Key})
				if got.status != 200 || !strings.Contains(got.body, w.vendor.Bots()[1].ID) || strings.Contains(got.body, first) {
					t.Errorf("in its vendor's words, by its first name: got %d %s, want what the vendor says of the second", got.status, got.body)
				}
			}
			w.present("ben", false)
			w.becomes(id, "left", "")
			if n := len(w.vendor.Bots()); n != 2 {
				t.Errorf("the vendor was asked for %d bots, want 2", n)
			}
		})
	}
}

// A bot that was told to leave is not sent again, though Ana leaves at the same moment and
// the vendor's answer is lost on its way; nor one whose meeting is over for everybody.
func TestAVendorsBotThatDoesNotComeAgain(t *testing.T) {
	t.Parallel()
	w := newBotWorld(t, lanyard.RunnerRecall)
	b := w.inWithAna(map[string]any{"runner": "recall"})
	w.present("ana", false)
	w.present("ben", false)
	w.becomes(b.Str("id"), "left", "")
	if n := len(w.vendor.Bots()); n != 1 {
		t.Errorf("the vendor was asked for %d bots, want one", n)
	}

	w = newBotWorld(t, lanyard.RunnerRecall)
	var mute atomic.Bool
	lossy := w.behind(func(r *http.Request) bool { return r.Method == "POST" && mute.Load() })
	b = w.inWithAna(map[string]any{"runner": lossy})
	mute.Store(true)
	w.Fails("runner_no_answer", "POST", "/v1/bots/"+b.Str("id")+"/leave", nil)
	w.present("ana", false)
	w.becomes(b.Str("id"), "left", "")
	if n := len(w.vendor.Bots()); n != 1 {
		t.Errorf("the vendor was asked for %d bots, want one", n)
	}
}

// The answer to the second request is lost: a bot may be on its way, so there is no third.
func TestAVendorsAnswerThatIsLostTheSecondTime(t *testing.T) {
	t.Parallel()
	w := newBotWorld(t, lanyard.RunnerRecall)
	var asked atomic.Int32
	lossy := w.behind(func(r *http.Request) bool { return r.Method == "POST" && asked.Add(1) > 1 })
	b := w.inWithAna(map[string]any{"runner": lossy, "give_up_after_seconds": 90})
	w.present("ana", false)
	if got := w.becomes(b.Str("id"), "failed", ""); got.Str("reason") != "runner_no_answer" {
		t.Errorf("got %v, want it given up because of the lost answer", got)
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("the vendor was asked %d times, want twice", n)
	}
}

// A vendor that does not take the second request is asked once more, and no sooner than
// after half a minute, which is a second here; that is no other bot of ours.
func TestAVendorThatRefusesABotTheSecondTime(t *testing.T) {
	t.Parallel()
	w := newBotWorld(t, lanyard.RunnerRecall)
	var mu sync.Mutex
	var asked []time.Time
	lossy := w.behind(func(r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		if r.Method == "POST" {
			asked = append(asked, time.Now())
		}
		if r.Method == "POST" && len(asked) == 2 {
			r.Header.Set("Authorization", "Token of somebody else")
		}
		return false
	})
	b := w.inWithAna(map[string]any{"runner": lossy})
	w.present("ana", false)
	got := w.becomes(b.Str("id"), "joined", "ben")
	if !slices.ContainsFunc(got.List("timeline"), func(s lanyardtest.JSON) bool {
		return s.Str("state") == "waiting_for_person" && s.Str("code") == "runner_refused"
	}) {
		t.Errorf("got %v, want the refusal in its time line", got)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(asked) != 3 || asked[2].Sub(asked[1]) < time.Second || asked[1].Sub(asked[0]) < time.Second {
		t.Errorf("the vendor was asked at %v, want three times, a second apart at least", asked)
	}
}

// behind makes a runner of the vendor's whose answers, and the requests that are so, are lost.
func (w *botWorld) behind(lost func(*http.Request) bool) (runner string) {
	w.T.Helper()
	to, err := url.Parse(w.vendor.URL)
	if err != nil {
		w.T.Fatal(err)
	}
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: to.Scheme, Host: to.Host}) }}
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if lost(r) {
			panic(http.ErrAbortHandler)
		}
		pass.ServeHTTP(rw, r)
	}))
	w.T.Cleanup(srv.Close)
	return w.OK("POST", "/v1/runners", map[string]any{"kind": "recall", "url": srv.URL + to.Path, "key": pretendtest.Key}).Str("id")
}
