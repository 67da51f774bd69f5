package runner_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/runner"
)

// noting is a vendor that notes what it is asked for, and answers as it is told.
type noting struct {
	calls  []string
	answer func(r *http.Request) (int, string)
}

func (a *noting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.calls = append(a.calls, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Idempotency-Key")+" "+string(body))
	status, text := a.answer(r)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// A request whose answer is lost: what is found out of it, and what is never done.
func TestResume(t *testing.T) {
	id := lanyard.NewID[lanyard.BotID]("bot_")
	list := func(key, state string) string {
		return fmt.Sprintf(`{"results":[{"id":"bot_other","state":"joining","deduplication_key":"another"},{"id":"bot_theirs","state":%q,"deduplication_key":%q}]}`, state, key)
	}
	for name, c := range map[string]struct {
		kind    lanyard.RunnerKind
		job     runner.Job
		listed  string // by Attendee
		status  int    // of the request
		answer  string
		unsent  bool // it is not wanted any more
		resumes bool
		want    string // methods, and the name of the bot
	}{
		"Attendee has it":                                  {kind: "attendee", listed: list(string(id), "joining"), resumes: true, want: "GET bot_theirs"},
		"Attendee had it, with our key":                    {kind: "attendee", listed: list(string(id), "ended"), resumes: true, want: "GET bot_theirs"},
		"Attendee had one with the customer's key":         {kind: "attendee", job: runner.Job{DedupKey: "deal"}, listed: list("deal", "ended"), status: 201, answer: `{"id":"bot_new"}`, resumes: true, want: "GET POST bot_new"},
		"Attendee has one with the customer's key":         {kind: "attendee", job: runner.Job{DedupKey: "deal"}, listed: list("deal", "post_processing"), resumes: true, want: "GET bot_theirs"},
		"Attendee lists another one's":                     {kind: "attendee", listed: list("another", "joining"), status: 201, answer: `{"id":"bot_new"}`, resumes: true, want: "GET POST bot_new"},
		"Attendee lists nothing, and has one":              {kind: "attendee", listed: `{"results":[]}`, status: 400, answer: `{"deduplication_key":["Deduplication key already in use."]}`, resumes: true, want: "GET POST none"},
		"Attendee has none, and none is wanted":            {kind: "attendee", listed: `{"results":[]}`, unsent: true, resumes: true, want: "GET none"},
		"Attendee refuses":                                 {kind: "attendee", listed: `{"results":[]}`, status: 403, resumes: true, want: "GET POST refused"},
		"Attendee was asked again":                         {kind: "attendee", job: runner.Job{Again: 1}, listed: list(string(id)+"-2", "joining"), resumes: true, want: "GET bot_theirs"},
		"Attendee was sent the customer's own request":     {kind: "attendee", job: runner.Job{Dialect: "attendee", Request: []byte(`{"meeting_url":"x"}`)}, want: "none"},
		"Attendee was sent the customer's, with their key": {kind: "attendee", job: runner.Job{Dialect: "attendee", Request: []byte(`{"meeting_url":"x","deduplication_key":"k"}`)}, listed: list("k", "joining"), resumes: true, want: "GET bot_theirs"},
		"MeetStream has it":                                {kind: "meetstream", status: 507, answer: `{"bot_id":"ms-1"}`, resumes: true, want: "POST ms-1"},
		"MeetStream has it, and does not say its name":     {kind: "meetstream", status: 507, answer: `{}`, resumes: true, want: "POST none"},
		"MeetStream has one with the customer's key":       {kind: "meetstream", job: runner.Job{DedupKey: "deal"}, status: 409, answer: `{}`, resumes: true, want: "POST none"},
		"MeetStream is not asked for what nobody wants":    {kind: "meetstream", unsent: true, resumes: true, want: "none"},
		"Recall is not asked twice":                        {kind: "recall", want: "none"},
		"nor Meeting BaaS":                                 {kind: "meetingbaas", want: "none"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			there := &noting{answer: func(r *http.Request) (int, string) {
				if r.Method == "GET" {
					return 200, c.listed
				}
				return c.status, c.answer
			}}
			srv := httptest.NewServer(there)
			t.Cleanup(srv.Close)
			r, _ := w.runner(c.kind, srv.URL+"/v2")
			j := c.job
			j.Bot, j.MeetingURL, j.AskedAt = id, "https://zoom.us/j/123456789", time.Now().Add(-time.Hour)
			j.JoinAt = time.Now().Add(-time.Minute) // which was to come when it was asked for
			if got := w.s.Resumes(r, j); got != c.resumes {
				t.Errorf("it can be found out: got %t, want %t", got, c.resumes)
			}
			a, err := w.s.Resume(t.Context(), r, j, !c.unsent)
			must(t, err)
			var got []string
			for _, call := range there.calls {
				got = append(got, call[:strings.Index(call, " ")])
			}
			switch {
			case a.Ref != "":
				got = append(got, a.Ref)
			case a.Status == 0 || a.OK():
				got = append(got, "none")
			default:
				got = append(got, "refused")
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %q of %v, want %q", strings.Join(got, " "), there.calls, c.want)
			}
			// MeetStream is sent what it was sent before, to the byte.
			if c.kind == "meetstream" && !c.unsent {
				if _, err := w.s.Start(t.Context(), r, j); err != nil || len(slices.Compact(there.calls)) != 1 || !strings.Contains(there.calls[0], `"join_at"`) {
					t.Errorf("got %q and %v, want the same request twice", there.calls, err)
				}
			}
		})
	}
}
