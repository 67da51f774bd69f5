package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"lanyard/internal/lanyardtest"
)

// ahead is the commands against a server on which Ana is connected.
type ahead struct {
	*lanyardtest.World
	app, ana, number string
}

func newAhead(t *testing.T) *ahead {
	w := lanyardtest.New(t)
	a := &ahead{World: w, app: w.Zoom()}
	a.ana = w.Connect(a.app, "ana-at-customer", "ana").Str("id")
	m, err := w.Sandbox.CreateMeeting("ana", "", "")
	if err != nil {
		t.Fatal(err)
	}
	a.number = m.Number
	t.Chdir(t.TempDir())
	return a
}

func (a *ahead) run(args ...string) (int, string, string) {
	var out, err bytes.Buffer
	code := run(a.T.Context(), args, &out, &err, []string{"LANYARD_SERVER=" + a.URL, "LANYARD_KEY=" + a.Key})
	return code, out.String(), err.String()
}

func TestDoctorLooksAtAMeeting(t *testing.T) {
	a := newAhead(t)
	link := "https://us02web.zoom.us/j/" + a.number + "?pwd=Pass.1"
	for _, who := range [][]string{{"--connection", a.ana}, {"--end-user", "ana-at-customer"}} {
		code, out, errs := a.run(append([]string{"doctor", "--meeting", link}, who...)...)
		if code != 0 || !strings.HasPrefix(out, "Nothing that can be seen from here keeps the bot out.") || !strings.Contains(out, "proved      mint: ") ||
			!strings.Contains(out, "not known   presence: ") || !strings.Contains(out, "            → Have Ana Torres open the meeting") || strings.Contains(out, "Pass.1") {
			t.Errorf("%v: got %d\n%s%s", who, code, out, errs)
		}
	}
	typed := a.number[:3] + " " + a.number[3:7] + " " + a.number[7:]
	code, out, _ := a.run("doctor", "--json", "--meeting", typed, "--connection", a.ana, "--type", "zak,onbehalf", "--no-trial", "--at", "90m")
	var got lanyardtest.JSON
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || got.Str("meeting_number") != a.number || strings.Contains(out, `"mint"`) || !strings.Contains(out, `"hour"`) {
		t.Errorf("as JSON: got %d %v\n%s", code, err, out)
	}
	a.SQL(`UPDATE grants SET health = 'dead', reason = 'user_revoked'`)
	code, out, errs := a.run("doctor", "--meeting", link, "--connection", a.ana, "--at", "2030-01-01T09:00:00Z")
	if code == 0 || !strings.Contains(out, "refused     connection: Ana Torres has taken back") || !strings.Contains(out, "→ the link: http://localhost") || !strings.Contains(errs, "the bot cannot join") {
		t.Errorf("taken back: got %d\n%s%s", code, out, errs)
	}
	for _, args := range [][]string{{"doctor", "--meeting", link, "--at", "tomorrow"}, {"doctor", "--connection", a.ana}, {"doctor", "--at", "90m"}} {
		if code, _, errs := a.run(args...); code != exitUsage {
			t.Errorf("%v: got %d %s, want to be told how", args, code, errs)
		}
	}
}

func TestAnAppIsDeclaredAndSigns(t *testing.T) {
	a := newAhead(t)
	code, out, errs := a.run("app", "update", a.app, "--published", "yes")
	if code != 0 || !strings.Contains(out, "yes: you declared it, ") {
		t.Errorf("got %d\n%s%s", code, out, errs)
	}
	a.SQL(`UPDATE apps SET refuted = '4011', refuted_at = published_at + 1`)
	if code, out, _ := a.run("app", "update", a.app, "--name", "Other"); code != 0 || !strings.Contains(out, "no: a meeting said so (4011, ") || !strings.Contains(out, "you had declared yes") {
		t.Errorf("got %d\n%s, want the correction", code, out)
	}
	if code, out, _ := a.run("app", "check", a.app); code == 0 || !strings.Contains(out, "approval by Zoom: refused: by Zoom: ") {
		t.Errorf("got %d\n%s, want it among what is refused", code, out)
	}
	if code, _, errs := a.run("app", "update", a.app, "--published", "maybe"); code != exitUsage {
		t.Errorf("got %d %s", code, errs)
	}
	code, out, errs = a.run("app", "sdk-signature", a.app, "--meeting", a.number, "--host", "--lifetime", "30m")
	if code != 0 || strings.Count(out, ".") != 2 || strings.Count(out, "\n") != 1 {
		t.Errorf("got %d %q %s, want the JWT alone on standard output", code, out, errs)
	}
	if code, _, errs := a.run("app", "sdk-signature", a.app, "--lifetime", "49h"); code == 0 {
		t.Errorf("49 hours: got %d %s, want it refused", code, errs)
	}
}

// What a number of Zoom's means, without a server.
func TestACodeIsExplained(t *testing.T) {
	explain := func(args ...string) (string, error) {
		var out, errs bytes.Buffer
		if code := run(t.Context(), append([]string{"bot", "explain"}, args...), &out, &errs, nil); code != 0 {
			return out.String(), errors.New(errs.String())
		}
		return out.String(), nil
	}
	out, err := explain("4017")
	if err != nil || !strings.HasPrefix(out, "web 4017 (AUTHORIZED_USER_NOT_INMEETING)\n") || !strings.Contains(out, "→ Have the person open the meeting") || !strings.Contains(out, "The bot may say: I will come in") {
		t.Errorf("got %v\n%s", err, out)
	}
	if out, err := explain("8"); err != nil || !strings.Contains(out, "native 8 (") || !strings.Contains(out, "\n\nnative_end 8 (") {
		t.Errorf("got %v\n%s, want both that have it", err, out)
	}
	if out, err := explain("8", "--sdk", "native_end"); err != nil || strings.Contains(out, "MEETING_NOT_EXIST") {
		t.Errorf("got %v\n%s, want the one", err, out)
	}
	if out, err := explain("meeting_fail_conflocked"); err != nil || !strings.HasPrefix(out, "native 12 ") {
		t.Errorf("by name: got %v\n%s", err, out)
	}
	for _, code := range []string{"4018", "", "4017 "} {
		if out, err := explain(code); (err == nil) != (code == "4017 ") {
			t.Errorf("%q: got %v\n%s", code, err, out)
		}
	}
}
