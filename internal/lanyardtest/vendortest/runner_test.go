package vendortest_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/access"
	"lanyard/internal/egress"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/lanyardtest/pretendtest"
	"lanyard/internal/runner"
	"lanyard/internal/sandbox"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
	"lanyard/internal/vault"
)

// The vendors behind the runners: the request goes to the vendor, its bot asks our token
// URL as that vendor's bots do, and the sandbox's Zoom lets it in or not.

var pretended = map[lanyard.RunnerKind]func(testing.TB, string) *pretendtest.Vendor{
	lanyard.RunnerAttendee: pretendtest.Attendee, lanyard.RunnerMeetStream: pretendtest.MeetStream,
	lanyard.RunnerRecall: pretendtest.Recall, lanyard.RunnerMeetingBaaS: pretendtest.MeetingBaaS,
}

// run is a runner of a pretend vendor, beside the server whose token URLs its bots ask.
type run struct {
	*urlWorld
	vendor *pretendtest.Vendor
	s      *runner.Service
	r      lanyard.Runner
}

func newRun(t *testing.T, w *urlWorld, kind lanyard.RunnerKind) *run {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	u := *w
	u.World = w.On(t)
	vendor := pretended[kind](t, w.SandURL+"/zoom")
	db, err := store.Open(t.Context(), storetest.SQLite(t))
	must(err)
	t.Cleanup(func() { _ = db.Close() })
	kek, err := vault.FindKEK(t.Context(), "file:"+filepath.Join(t.TempDir(), "kek"), "", db)
	must(err)
	v, err := vault.Open(t.Context(), vault.Config{KEK: kek, Keysets: db, Fields: db})
	must(err)
	t.Cleanup(v.Close)
	out, err := egress.New(egress.Config{AllowLoopback: true})
	must(err)
	keys, err := access.New(db, v)
	must(err)
	pr, err := keys.CreateProject(t.Context(), lanyard.Principal{Name: "operator", Operator: true}, "acme")
	must(err)
	s := runner.New(runner.Config{Store: db, Vault: v, Out: out, PublicURL: w.URL, Pace: 100})
	p := lanyard.Principal{Project: pr.ID, Name: "key:lyk_1", Scopes: []lanyard.Scope{lanyard.ScopeAdmin}}
	r, _, err := s.Create(t.Context(), p, runner.Spec{Kind: kind, URL: &vendor.URL, Key: new(lanyard.NewSecret(pretendtest.Key))})
	must(err)
	return &run{&u, vendor, s, r}
}

// start sends a bot on behalf of the first of these people who can be used.
func (r *run) start(urls map[string]lanyard.Secret) runner.Answer {
	r.T.Helper()
	a, err := r.s.Start(r.T.Context(), r.r, runner.Job{Bot: lanyard.NewID[lanyard.BotID]("bot_"), MeetingURL: r.link(), Name: "Notes",
		Metadata: map[string]string{"deal": "ä <1>"}, TokenURLs: urls, Types: []string{"onbehalf", "local_recording"}})
	if err == nil {
		err = a.Err()
	}
	if err != nil || a.Ref == "" {
		r.T.Fatalf("start: got %v, %d %s, ref %q", err, a.Status, a.Body, a.Ref)
	}
	return a
}

// urls makes the token URLs that the runner needs.
func (r *run) urls(types []string, people ...lanyardtest.JSON) map[string]lanyard.Secret {
	r.T.Helper()
	out := map[string]lanyard.Secret{}
	for _, n := range runner.Needs(r.r, types) {
		body := map[string]any{"contract": string(n.Contract), "types": n.Types, "candidates": of(people...), "meetings": []string{r.number}}
		if n.Contract == lanyard.ContractAttendee {
			body["signing_secret"] = pretendtest.AttendeeSecret
		}
		out[n.Name] = lanyard.NewSecret(r.make(body))
	}
	return out
}

func (r *run) in() string {
	r.T.Helper()
	return inMeeting(r.World, r.number)
}

// inMeeting are the bots that are in a meeting, by who brought them.
func inMeeting(w *lanyardtest.World, number string) string {
	w.T.Helper()
	m, ok := w.Sandbox.Meeting(number)
	if !ok {
		w.T.Fatal("there is no meeting")
	}
	var who []string
	for _, b := range m.Bots {
		if b.Status == "in_meeting" {
			who = append(who, b.Person)
		}
	}
	return strings.Join(who, " ")
}

func (r *run) seen(ref string) lanyard.BotState {
	r.T.Helper()
	s, err := r.s.Status(r.T.Context(), r.r, ref)
	if err != nil {
		r.T.Fatal(err)
	}
	return s.State
}

func (r *run) eventually(what string, is func() bool) {
	r.T.Helper()
	for end := time.Now().Add(15 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			r.T.Fatalf("%s: not within 15 seconds; the vendor's bots: %+v", what, r.vendor.Bots())
		}
	}
}

// The meeting admits the bot through each vendor's path while the person is in it, not
// before, and not after.
func TestEachVendorsBotIsLetInWithThePerson(t *testing.T) {
	w := newURLWorld(t)
	w.present("ana", false)
	for kind := range pretended {
		t.Run(string(kind), func(t *testing.T) {
			r := newRun(t, w, kind)
			a := r.start(r.urls([]string{"onbehalf", "local_recording"}, w.ana))
			first := func() pretendtest.Bot { return r.vendor.Bots()[0] }
			r.eventually("it tries", func() bool { return first().Tries >= 3 })
			if got := r.in(); got != "" || r.seen(a.Ref) != lanyard.BotJoining {
				t.Fatalf("Ana is not there: got bots of %q in the meeting, state %s", got, r.seen(a.Ref))
			}
			r.present("ana", true)
			defer r.present("ana", false)
			r.eventually("it is in", func() bool { return r.in() == "ana" && first().State == "in" })
			if s := r.seen(a.Ref); s != lanyard.BotJoined {
				t.Errorf("got %s, want joined", s)
			}
			m, _ := r.Sandbox.Meeting(r.number)
			if last := m.Bots[len(m.Bots)-1]; last.Name != "Notes" || last.Recording != (kind == lanyard.RunnerAttendee || kind == lanyard.RunnerRecall) {
				t.Errorf("got %+v, want it under its name, and recording where the vendor takes a token for that", last)
			}
			r.present("ana", false)
			r.eventually("it is out", func() bool { return r.in() == "" && first().State == "out" })
			if s := r.seen(a.Ref); s != lanyard.BotLeft || first().Why != "authorized_user_left" {
				t.Errorf("got %s because of %q, want left because Ana has", s, first().Why)
			}
			if n := r.vendor.Bots(); len(n) != 1 {
				t.Errorf("got %d bots, want one", len(n))
			}
		})
	}
}

// Ana leaves, and her bot is out; the next one comes on behalf of Ben, who is still there.
func TestTheNextCandidateIsTried(t *testing.T) {
	w := newURLWorld(t)
	for kind := range pretended {
		t.Run(string(kind), func(t *testing.T) {
			r := newRun(t, w, kind)
			r.present("ana", true)
			urls := r.urls([]string{"onbehalf"}, w.ana, w.ben)
			r.start(urls)
			r.eventually("it is in with Ana", func() bool { return r.in() == "ana" })
			r.present("ana", false)
			r.eventually("it is out", func() bool { return r.in() == "" && r.vendor.Bots()[0].State == "out" })
			second := r.start(urls)
			r.eventually("the next is in with Ben", func() bool { return r.in() == "ben" })
			if _, err := r.s.Stop(t.Context(), r.r, second.Ref, true); err != nil {
				t.Fatal(err)
			}
			r.eventually("it leaves when it is told", func() bool { return r.in() == "" && r.vendor.Bots()[1].Why == "left" })
		})
	}
}

// A vendor that keeps a token and tries it again gets nobody in.
func TestAnOnBehalfTokenWorksOnce(t *testing.T) {
	w := newURLWorld(t)
	r := newRun(t, w, lanyard.RunnerRecall)
	u := string(r.urls([]string{"onbehalf"}, w.ana)["onbehalf"].Reveal())
	got := call(t, http.MethodGet, u, "", nil)
	join := func() int {
		body := `{"bot_name":"B","onbehalf_token":"` + strings.TrimSpace(got.body) + `"}`
		return call(t, http.MethodPost, w.SandURL+"/zoom/meetings/"+w.number+"/join", body, map[string]string{"Content-Type": "application/json"}).status
	}
	if first, second := join(), join(); first != 200 || second != 403 {
		t.Errorf("got %d and %d, want it to be let in once", first, second)
	}
	used := 0
	for _, e := range w.Sandbox.Ledger(sandbox.Query{Event: "join_refused"}) {
		if e.Detail == "token_used" {
			used++
		}
	}
	if used != 1 {
		t.Errorf("got %d refusals of a used token, want one", used)
	}
}

// MeetStream repeats the request to whoever may read the bot. A token URL in it would give
// tokens to a key that may not have them.
func TestAVendorsAnswerRepeatsNoTokenURL(t *testing.T) {
	w := newURLWorld(t)
	r := newRun(t, w, lanyard.RunnerMeetStream)
	urls := r.urls([]string{"onbehalf"}, w.ana)
	a := r.start(urls)
	d, err := r.s.Relay(t.Context(), r.r, a.Ref, runner.Call{Method: http.MethodGet, Path: "detail"})
	if err != nil || d.Status != 200 || !strings.Contains(string(d.Body), `"obf_url":"`+w.URL+`/t/hidden"`) ||
		strings.Contains(string(d.Body), string(urls["onbehalf"].Reveal())) {
		t.Errorf("got %v, %d %s, want the URL with its secret taken out", err, d.Status, d.Body)
	}
}

// A start whose answer was lost is asked for again under the same key: one bot.
func TestMeetStreamsReplayIsOneBot(t *testing.T) {
	w := newURLWorld(t)
	r := newRun(t, w, lanyard.RunnerMeetStream)
	j := runner.Job{Bot: "bot_same", MeetingURL: w.link(), TokenURLs: r.urls([]string{"onbehalf"}, w.ana)}
	first, err := r.s.Start(t.Context(), r.r, j)
	second, again := r.s.Start(t.Context(), r.r, j)
	if err != nil || again != nil || first.Status != 201 || second.Status != 507 || second.Ref != first.Ref || len(r.vendor.Bots()) != 1 {
		t.Errorf("got %d %q and %d %q (%v, %v), %d bots, want the replay to be the same bot", first.Status, first.Ref, second.Status, second.Ref, err, again, len(r.vendor.Bots()))
	}
}

// The vendor's key is in no answer, no log and no database, and whether the vendor takes it
// can be asked.
func TestRunnersOverHTTP(t *testing.T) {
	w := lanyardtest.New(t)
	for kind, pretend := range pretended {
		vendor := pretend(t, w.SandURL+"/zoom")
		made := w.OK("POST", "/v1/runners", map[string]any{"kind": kind, "url": vendor.URL, "key": pretendtest.Key, "name": "ours", "default": true})
		path := "/v1/runners/" + made.Str("id")
		w.OK("POST", path+"/check", nil)
		w.OK("PATCH", path, map[string]any{"key": "a-wrong-key-of-theirs"})
		w.Fails("runner_refused", "POST", path+"/check", nil)
		w.OK("PATCH", path, map[string]any{"key": pretendtest.Key})
		w.OK("POST", path+"/check", nil)
		w.Fails("invalid_request", "PATCH", path, map[string]any{"url": "https://elsewhere.example/api"})
	}
	list := w.OK("GET", "/v1/runners", nil).List("data")
	defaults := 0
	for _, one := range list {
		if one["default"] == true {
			defaults++
		}
	}
	if len(list) != 4 || defaults != 1 {
		t.Errorf("got %d runners, %d of them the default; want 4 and 1", len(list), defaults)
	}
	for what, text := range map[string]string{"a vendor's key": pretendtest.Key, "a wrong one": "a-wrong-key-of-theirs"} {
		if strings.Contains(w.Log.String(), text) {
			t.Errorf("%s is in the log", what)
		}
		if at := w.Find(text); at != "" {
			t.Errorf("%s is in the database: %s", what, at)
		}
	}
	w.Fails("not_found", "GET", "/v1/runners/run_01h00000000000000000000000", nil)
	for _, one := range list {
		if one["key"] != nil || one["secret"] != nil {
			t.Errorf("got %v, want neither key nor secret", one)
		}
	}
}
