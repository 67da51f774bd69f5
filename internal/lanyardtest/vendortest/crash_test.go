package vendortest_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/lanyardtest/pretendtest"
	"lanyard/internal/server"
	"lanyard/internal/store/storetest"
)

// The process is killed while a vendor is being asked for something: what was to be done is
// neither lost nor done twice.

var programs string // the folder of what was built; "": nothing was

// built is the real program, built once.
var built = sync.OnceValues(func() (program string, err error) {
	if programs, err = os.MkdirTemp("", "lanyard"); err != nil {
		return "", err
	}
	program = filepath.Join(programs, "lanyard")
	out, err := exec.Command("go", "build", "-o", program, "lanyard/cmd/lanyard").CombinedOutput()
	_, _ = os.Stderr.Write(out)
	return program, err
})

// mortal is a botWorld whose server is the real program, so that it can be killed.
type mortal struct {
	*botWorld
	cmd   *exec.Cmd
	words bytes.Buffer
}

func newMortal(t *testing.T, kind lanyard.RunnerKind, options ...lanyardtest.Option) *mortal {
	t.Helper()
	w := &mortal{botWorld: newBotWorld(t, kind, options...)}
	w.Stop()
	t.Cleanup(func() {
		if w.cmd != nil {
			w.kill()
		}
	})
	w.begin()
	return w
}

func (w *mortal) begin() {
	w.T.Helper()
	program, err := built()
	if err != nil {
		w.T.Fatalf("build the program: %v", err)
	}
	w.words.Reset()
	w.cmd = exec.Command(program, "serve")
	w.cmd.Env = append(os.Environ(), "LANYARD_PUBLIC_URL="+w.URL, "LANYARD_LISTEN="+w.Settings.Listen, "LANYARD_DATA_DIR="+w.DataDir, "LANYARD_KEK="+w.Settings.KEK,
		"LANYARD_DATABASE_URL="+string(w.Settings.DatabaseURL.Reveal()), "LANYARD_ALLOW_LOOPBACK=true", "LANYARD_TIME_SCALE=30",
		"LANYARD_LIMIT_OPENS_PER_MINUTE=0", "LANYARD_LIMIT_KEY_PER_SECOND=0")
	w.cmd.Stdout, w.cmd.Stderr = &w.words, &w.words
	if err := w.cmd.Start(); err != nil {
		w.T.Fatal(err)
	}
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		resp, err := http.Get(w.URL + "/readyz")
		if err != nil {
			continue
		}
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return
		}
	}
	w.kill()
	w.T.Fatalf("the program is not ready: %.2000s", w.words.String())
}

// kill is kill -9.
func (w *mortal) kill() {
	_ = w.cmd.Process.Kill()
	_ = w.cmd.Wait() // it was killed
	w.cmd = nil
}

// again kills the program and starts it when the two minutes are over for which a dead
// process holds a bot.
func (w *mortal) again() {
	w.T.Helper()
	w.kill()
	w.SQL(`UPDATE bots SET lease_until = 1`)
	w.begin()
}

// stuck is the way to a vendor on which one call stays until who made it is dead.
type stuck struct {
	runner  string
	armed   func(*http.Request) bool // the call that stays; nil: none
	arrives bool                     // at the vendor, before it stays
	mu      sync.Mutex
	there   chan struct{} // it stays
	late    chan struct{} // closed, it is refused after all
	lost    chan struct{} // closed, the answer is lost on its way
	asked   atomic.Int32  // calls of that kind, whichever way they went
}

func (w *botWorld) stuck(kind lanyard.RunnerKind, arrives bool, is func(*http.Request) bool) *stuck {
	w.T.Helper()
	over := make(chan struct{})
	s := &stuck{armed: is, arrives: arrives, there: make(chan struct{}), late: make(chan struct{}), lost: make(chan struct{})}
	to, err := url.Parse(w.vendor.URL)
	if err != nil {
		w.T.Fatal(err)
	}
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: to.Scheme, Host: to.Host}) }}
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		stays := s.armed != nil && s.armed(r)
		if is(r) {
			s.asked.Add(1)
		}
		if stays {
			s.armed = nil
		}
		s.mu.Unlock()
		if !stays {
			pass.ServeHTTP(rw, r)
			return
		}
		if s.arrives {
			pass.ServeHTTP(httptest.NewRecorder(), r)
		}
		_, _ = io.Copy(io.Discard, r.Body) // until then it is not seen that the other side is gone
		close(s.there)
		select {
		case <-r.Context().Done():
		case <-over:
		case <-s.lost:
			panic(http.ErrAbortHandler)
		case <-s.late:
			rw.WriteHeader(http.StatusForbidden)
		}
	}))
	w.T.Cleanup(func() { close(over); srv.Close() })
	s.runner = w.OK("POST", "/v1/runners", map[string]any{"kind": kind, "url": srv.URL + to.Path, "key": pretendtest.Key}).Str("id")
	return s
}

// stays waits until the call is on its way.
func (w *botWorld) stays(s *stuck) {
	w.T.Helper()
	select {
	case <-s.there:
	case <-time.After(time.Minute):
		w.T.Fatal("the vendor was not asked")
	}
}

// send asks the program, which may be dead before it answers.
func (w *mortal) send(method, path, body string) {
	r, err := http.NewRequest(method, w.URL+path, strings.NewReader(body))
	if err != nil {
		w.T.Error(err)
		return
	}
	r.Header.Set("Authorization", "Bearer "+w.Key)
	r.Header.Set("Content-Type", "application/json")
	if resp, err := http.DefaultClient.Do(r); err == nil {
		_ = resp.Body.Close()
		w.T.Errorf("%s %s: got %d, want no answer", method, path, resp.StatusCode)
	}
}

func asksForABot(r *http.Request) bool {
	return r.Method == "POST" && (strings.HasSuffix(r.URL.Path, "/bots") || strings.HasSuffix(r.URL.Path, "/bot/") || strings.HasSuffix(r.URL.Path, "/create_bot"))
}

func onPostgreSQL(t *testing.T) lanyardtest.Option {
	url := lanyard.NewSecret(storetest.PostgreSQL(t).URL)
	return func(s *server.Settings) { s.DatabaseURL = url }
}

// Killed between the note that a vendor is about to be asked for a bot and its answer: the
// bot used to stay scheduled until its hour, and nameless for ever. Attendee is asked whether
// it has made it, MeetStream is sent the same request under the same key: one bot, whether
// the request had arrived or not. Recall and Meeting BaaS know no request again: none is sent
// to them, and the time line and an event say that a bot may be on its way.
func TestKilledWhileAVendorIsAskedForABot(t *testing.T) {
	knows := []lanyard.RunnerKind{lanyard.RunnerAttendee, lanyard.RunnerMeetStream}
	for kind := range pretended {
		for _, arrives := range []bool{true, false} {
			for _, database := range []string{"sqlite", "postgres"} {
				if database == "postgres" && kind != lanyard.RunnerAttendee {
					continue // what differs between the vendors is no business of the database's
				}
				t.Run(string(kind)+map[bool]string{true: " arrives ", false: " is lost "}[arrives]+database, func(t *testing.T) {
					t.Parallel()
					var options []lanyardtest.Option
					if database == "postgres" {
						options = append(options, onPostgreSQL(t))
					}
					killedWhileAsking(t, newMortal(t, kind, options...), kind, arrives, slices.Contains(knows, kind))
				})
			}
		}
	}
}

func killedWhileAsking(t *testing.T, w *mortal, kind lanyard.RunnerKind, arrives, knows bool) {
	w.present("ana", true)
	w.known(w.ana, "present")
	s := w.stuck(kind, arrives, asksForABot)
	patience := "3600" // longer than the program takes to start
	if !knows {
		patience = "90"
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.send("POST", "/v1/bots", `{"meeting_url":"`+w.link()+`","name":"Notes","runner":"`+s.runner+`","candidates":[{"connection_id":"`+w.ana.Str("id")+`"}],"give_up_after_seconds":`+patience+`}`)
	}()
	w.stays(s)
	if arrives {
		w.inside("ana")
	}
	w.again()
	<-done
	list := w.OK("GET", "/v1/bots", nil).List("data")
	if len(list) != 1 {
		t.Fatalf("got %v, want the one bot", list)
	}
	id := list[0].Str("id")
	if knows {
		b := w.becomes(id, "joined", "ana")
		if sent := w.vendor.Bots(); len(sent) != 1 || b.Str("runner_ref") != sent[0].ID {
			t.Errorf("the vendor has %+v, want one bot, and its name in %v", sent, b)
		}
		w.told(id, map[string]int{"bot.scheduled": 1, "bot.ready": 1, "bot.joining": 1, "bot.joined": 1})
		return
	}
	var b lanyardtest.JSON
	lanyardtest.Eventually(t, func() bool {
		b = w.bot(id)
		return slices.ContainsFunc(b.List("timeline"), func(s lanyardtest.JSON) bool { return s.Str("code") == "runner_no_answer" })
	}, "the time line says that the answer is lost")
	if !arrives {
		if b = w.becomes(id, "failed", ""); b.Str("reason") != "runner_no_answer" {
			t.Errorf("got %v, want it given up because of the lost answer", b)
		}
		w.told(id, map[string]int{"bot.scheduled": 1, "bot.ready": 1, "bot.failed": 1})
	}
	if n, sent := s.asked.Load(), len(w.vendor.Bots()); n != 1 || sent != map[bool]int{true: 1, false: 0}[arrives] {
		t.Errorf("the vendor was asked %d times and has %d bots, want it asked once", n, sent)
	}
}

// inside waits until that is who is in the meeting by bots.
func (w *botWorld) inside(who string) {
	w.T.Helper()
	for end := time.Now().Add(time.Minute); w.in() != who; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			w.T.Fatalf("got %q in the meeting, want %q", w.in(), who)
		}
	}
}

// told checks how often a bot was told of, by what.
func (w *botWorld) told(id string, want map[string]int) {
	w.T.Helper()
	got := map[string]int{}
	for _, e := range w.OK("GET", "/v1/events?type=bot.*&limit=200", nil).List("data") {
		if e.Str("data.bot_id") == id {
			got[e.Str("type")]++
		}
	}
	for what := range want {
		if got[what] != want[what] || len(got) != len(want) {
			w.T.Errorf("bot %s: told %v, want %v", id, got, want)
			return
		}
	}
}

// The same while a vendor is asked for a bot again, because Ana has left: it comes in with
// Ben, once, or where the vendor knows no request again it is not sent for the third time.
func TestKilledWhileAVendorIsAskedForABotAgain(t *testing.T) {
	for kind, arrives := range map[lanyard.RunnerKind]bool{lanyard.RunnerAttendee: true, lanyard.RunnerMeetStream: false, lanyard.RunnerRecall: false} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			w := newMortal(t, kind)
			second := func(r *http.Request) bool { return asksForABot(r) && len(w.vendor.Bots()) == 1 }
			s := w.stuck(kind, arrives, second)
			patience := 3600
			if kind == lanyard.RunnerRecall {
				patience = 300
			}
			id := w.inWithAna(map[string]any{"runner": s.runner, "deduplication_key": "deal-7", "give_up_after_seconds": patience}).Str("id")
			w.present("ana", false)
			w.stays(s)
			if arrives {
				w.inside("ben")
			}
			w.again()
			if kind == lanyard.RunnerRecall {
				if b := w.becomes(id, "failed", ""); b.Str("reason") != "runner_no_answer" || len(w.vendor.Bots()) != 1 {
					t.Errorf("got %v and %d bots, want it given up because of the lost answer", b, len(w.vendor.Bots()))
				}
				return
			}
			b := w.becomes(id, "joined", "ben")
			if sent := w.vendor.Bots(); len(sent) != 2 || b.Str("runner_ref") != sent[1].ID {
				t.Errorf("the vendor has %+v, want two bots, and the name of the second in %v", sent, b)
			}
			w.told(id, map[string]int{"bot.scheduled": 1, "bot.ready": 2, "bot.joining": 2, "bot.joined": 2, "bot.waiting_for_person": 1})
		})
	}
}

// Killed while a vendor is asked to let a bot go: nothing used to be left of it, and the bot
// stayed. Who wanted it is in the log before the vendor is asked; the next process asks
// again, and what was to become of the bot becomes of it.
func TestKilledWhileAVendorIsAskedToLetABotGo(t *testing.T) {
	for name, c := range map[string]struct {
		path, to string
		arrives  bool
	}{
		"leave":             {"/leave", "leave", false},
		"leave arrives":     {"/leave", "leave", true},
		"cancel":            {"/cancel", "cancel", false},
		"delete":            {"", "delete", false},
		"delete arrives":    {"", "delete", true},
		"leave on postgres": {"/leave", "leave", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var options []lanyardtest.Option
			if strings.HasSuffix(name, "postgres") {
				options = append(options, onPostgreSQL(t))
			}
			w := newMortal(t, lanyard.RunnerRecall, options...)
			s := w.stuck(lanyard.RunnerRecall, c.arrives, func(r *http.Request) bool {
				return r.Method == "DELETE" || strings.HasSuffix(r.URL.Path, "/leave_call/")
			})
			body := map[string]any{"meeting_url": w.link(), "runner": s.runner, "candidates": of(w.ana)}
			method, inside := "POST", ""
			switch c.to {
			case "leave":
				w.present("ana", true)
				w.known(w.ana, "present")
				inside = "ana"
			case "delete":
				method, body["join_at"] = "DELETE", time.Now().Add(24*time.Hour).UTC().Format(time.RFC3339)
			}
			id := w.OK("POST", "/v1/bots", body).Str("id")
			if inside != "" {
				w.becomes(id, "joined", inside)
			}
			done := make(chan struct{})
			go func() { defer close(done); w.send(method, "/v1/bots/"+id+c.path, "") }()
			w.stays(s)
			w.again()
			<-done
			if c.to == "delete" {
				lanyardtest.Eventually(t, func() bool { status, _ := w.Call(w.Key, "GET", "/v1/bots/"+id, nil); return status == 404 }, "the bot is deleted")
			} else {
				w.becomes(id, map[string]string{"leave": "left", "cancel": "cancelled"}[c.to], "")
			}
			var who string
			w.One(&who, `SELECT detail FROM entries WHERE what = 'bot.stopping'`)
			if !strings.Contains(who, `"to":"`+c.to+`"`) || !strings.Contains(who, id) {
				t.Errorf("got the entry %s, want who wanted what", who)
			}
			if n := s.asked.Load(); n < 2 {
				t.Errorf("the vendor was asked %d times, want once more after the restart", n)
			}
			var n int
			if w.One(&n, `SELECT count(*) FROM bots WHERE stop <> ''`); n != 0 {
				t.Errorf("%d bots are still to be let go", n)
			}
		})
	}
}
