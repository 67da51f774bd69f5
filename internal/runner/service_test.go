package runner_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"lanyard"
	"lanyard/internal/runner"
	"lanyard/internal/store"
)

func TestCreateRefuses(t *testing.T) {
	w := newWorld(t)
	key := func(s string) *lanyard.Secret { return new(lanyard.NewSecret(s)) }
	for what, spec := range map[string]runner.Spec{
		"kind: no such":              {Kind: "zoom", Key: key("k")},
		"kind: none":                 {Key: key("k")},
		"key: none":                  {Kind: lanyard.RunnerRecall},
		"key: empty":                 {Kind: lanyard.RunnerRecall, Key: key("")},
		"key: another header":        {Kind: lanyard.RunnerRecall, Key: key("k\r\nX-Admin: 1")},
		"key: of a webhook":          {Kind: lanyard.RunnerWebhook, URL: new("https://a.example"), Key: key("k")},
		"url: none":                  {Kind: lanyard.RunnerWebhook},
		"url: not https":             {Kind: lanyard.RunnerWebhook, URL: new("http://a.example")},
		"url: inside":                {Kind: lanyard.RunnerWebhook, URL: new("https://169.254.169.254/latest")},
		"url: with a user":           {Kind: lanyard.RunnerRecall, URL: new("https://u:p@a.example"), Key: key("k")},
		"url: a vendor's with query": {Kind: lanyard.RunnerRecall, URL: new("https://a.example/api?x=1"), Key: key("k")},
		"name: a control character":  {Kind: lanyard.RunnerRecall, Name: new("a\nb"), Key: key("k")},
	} {
		_, _, err := w.s.Create(t.Context(), w.p, spec)
		field, _, _ := strings.Cut(what, ":")
		if !errors.Is(err, lanyard.CodeInvalidRequest) || !strings.HasPrefix(err.Error(), field+":") {
			t.Errorf("%s: got %v, want invalid_request about it", what, err)
		}
	}
	weak := w.p
	weak.Scopes = []lanyard.Scope{lanyard.ScopeConnect, lanyard.ScopeRead}
	if _, _, err := w.s.Create(t.Context(), weak, runner.Spec{Kind: lanyard.RunnerRecall, Key: key("k")}); !errors.Is(err, lanyard.CodeScopeMissing) {
		t.Errorf("got %v, want scope_missing", err)
	}
	for range 50 {
		_, _, err := w.s.Create(t.Context(), w.p, runner.Spec{Kind: lanyard.RunnerRecall, Key: key("k")})
		must(t, err)
	}
	if _, _, err := w.s.Create(t.Context(), w.p, runner.Spec{Kind: lanyard.RunnerRecall, Key: key("k")}); !errors.Is(err, lanyard.CodeRunnerLimit) {
		t.Errorf("got %v, want runner_limit", err)
	}
}

// Whoever may change a runner's URL, but does not know its key, points it at a server of
// theirs and reads the key there.
func TestAVendorsKeyGoesToNoOtherHost(t *testing.T) {
	w := newWorld(t)
	srv, thief := w.there(nil), w.there(nil)
	r, _ := w.runner(lanyard.RunnerRecall, srv.url)
	if _, err := w.s.Update(t.Context(), w.p, r.ID, runner.Spec{URL: &thief.url}); !errors.Is(err, lanyard.CodeInvalidRequest) {
		t.Errorf("got %v, want it refused", err)
	}
	now, err := w.s.Get(t.Context(), w.p, r.ID)
	must(t, err)
	if now.URL != srv.url {
		t.Errorf("got %s, want the URL as it was", now.URL)
	}
	now, err = w.s.Update(t.Context(), w.p, r.ID, runner.Spec{URL: new(srv.url + "/v9")})
	must(t, err)
	if now.URL != srv.url+"/v9" {
		t.Errorf("got %s, want another path of the same host", now.URL)
	}
	_, err = w.s.Update(t.Context(), w.p, r.ID, runner.Spec{URL: &thief.url, Key: new(lanyard.NewSecret("another"))})
	must(t, err)
	must(t, w.s.Check(t.Context(), w.p, r.ID))
	if got := thief.all(); len(got) != 1 || got[0].header.Get("Authorization") != "Token another" || got[0].method != "GET" {
		t.Errorf("got %+v, want a GET with the key that was said with the URL", got)
	}
	entries := view(t, w, func(q *store.Query) ([]lanyard.Entry, error) {
		list, _, err := q.Entries(w.p.Project, lanyard.EntryFilter{}, lanyard.Page{Limit: 100})
		return list, err
	})
	var said []string
	for _, e := range entries {
		if e.What == lanyard.ActRunnerChanged {
			said = append(said, e.Detail["change"])
		}
	}
	slices.Sort(said)
	if !slices.Equal(said, []string{"created", "updated", "updated"}) {
		t.Errorf("got %v on the log", said)
	}
}

func view[T any](t *testing.T, w *world, fn func(q *store.Query) (T, error)) (v T) {
	t.Helper()
	must(t, w.db.View(t.Context(), func(q *store.Query) (err error) {
		v, err = fn(q)
		return err
	}))
	return v
}

func TestRotateEndsTheOldSecret(t *testing.T) {
	w := newWorld(t)
	srv := w.there(nil)
	hook, first := w.runner(lanyard.RunnerWebhook, srv.url)
	_, second, err := w.s.Rotate(t.Context(), w.p, hook.ID)
	must(t, err)
	if s := string(second.Reveal()); s == first || !strings.HasPrefix(s, "whsec_") {
		t.Error("the secret is not another one")
	}
	vendor, _ := w.runner(lanyard.RunnerRecall, srv.url)
	if _, _, err := w.s.Rotate(t.Context(), w.p, vendor.ID); !errors.Is(err, lanyard.CodeInvalidRequest) {
		t.Errorf("a vendor's: got %v, want it refused", err)
	}
}

func TestPick(t *testing.T) {
	w := newWorld(t)
	pick := func(name string, d lanyard.Dialect, want lanyard.RunnerID, code lanyard.Code) {
		t.Helper()
		r, ok, err := w.s.Pick(t.Context(), w.p, name, d)
		if r.ID != want || ok != (want != "") || code == "" && err != nil || code != "" && !errors.Is(err, code) {
			t.Errorf("%q in the words of %q: got %q, %v, %v, want %q, %q", name, d, r.ID, ok, err, want, code)
		}
	}
	pick("", "", "", "")
	pick("none", lanyard.DialectAttendee, "", "")
	pick("recall", "", "", lanyard.CodeInvalidRequest)
	pick("run_0", "", "", lanyard.CodeInvalidRequest)
	srv := w.there(nil)
	recall, _ := w.runner(lanyard.RunnerRecall, srv.url)
	pick("", "", "", "") // one that is not the default runs nothing by itself
	pick("recall", "", recall.ID, "")
	pick(string(recall.ID), "", recall.ID, "")
	pick("", lanyard.DialectAttendee, "", "")
	attendee, _ := w.runner(lanyard.RunnerAttendee, srv.url)
	pick("", lanyard.DialectAttendee, attendee.ID, "")
	hook, _ := w.runner(lanyard.RunnerWebhook, srv.url, runner.Spec{Default: new(true)})
	pick("", "", hook.ID, "")
	pick("", lanyard.DialectMeetStream, hook.ID, "")
	pick("", lanyard.DialectAttendee, attendee.ID, "")
	pick("none", "", "", "")
	second, _ := w.runner(lanyard.RunnerRecall, srv.url)
	pick("recall", "", "", lanyard.CodeInvalidRequest)
	_, err := w.s.Update(t.Context(), w.p, second.ID, runner.Spec{Default: new(true)})
	must(t, err)
	pick("recall", "", second.ID, "")
	pick("", "", second.ID, "")
	other := w.p
	other.Project = "prj_other"
	if r, ok, err := w.s.Pick(t.Context(), other, string(recall.ID), ""); ok || !errors.Is(err, lanyard.CodeInvalidRequest) {
		t.Errorf("another project's: got %v, %v, %v, want what an unknown id gets", r, ok, err)
	}
}

func TestNeeds(t *testing.T) {
	for _, c := range []struct {
		kind  lanyard.RunnerKind
		types string
		want  string
	}{
		{lanyard.RunnerAttendee, "onbehalf zak local_recording", "attendee/attendee:onbehalf+local_recording"},
		{lanyard.RunnerAttendee, "zak", "attendee/attendee:zak"},
		{lanyard.RunnerMeetStream, "onbehalf zak local_recording", "onbehalf/meetstream:onbehalf"},
		{lanyard.RunnerMeetStream, "zak local_recording", "zak/meetstream:zak"},
		{lanyard.RunnerMeetStream, "local_recording", ""},
		{lanyard.RunnerRecall, "onbehalf zak local_recording", "onbehalf/plain:onbehalf local_recording/plain:local_recording"},
		{lanyard.RunnerMeetingBaaS, "zak local_recording", "zak/plain:zak"},
		{lanyard.RunnerWebhook, "onbehalf zak", "onbehalf/plain:onbehalf zak/plain:zak"},
		{lanyard.RunnerRecall, "", ""},
	} {
		var got []string
		for _, n := range runner.Needs(lanyard.Runner{Kind: c.kind}, strings.Fields(c.types)) {
			got = append(got, n.Name+"/"+string(n.Contract)+":"+strings.Join(n.Types, "+"))
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s with %s: got %q, want %q", c.kind, c.types, s, c.want)
		}
	}
}
