package main

import (
	"encoding/json"
	"strings"
	"testing"

	"lanyard/internal/lanyardtest"
)

// A bot's life from the command line, with a key as scripts have one. What is to be
// passed on stands alone on standard output; a link, which may hold a passcode, on none.
func TestABotFromTheCommandLine(t *testing.T) {
	a := newAhead(t)
	link := "https://us02web.zoom.us/j/" + a.number + "?pwd=Pass.1"
	code, out, errs := a.run("bot", "create", "--meeting", link, "--name", "Notes", "--connection", a.ana, "--end-user", "stranger", "--host", "--metadata", "order=17,of=x",
		"--key", "--trial", "--give-up-after", "5m")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 0 || len(lines) != 2 || !strings.HasPrefix(lines[0], "bot_") || !strings.HasPrefix(lines[1], "lyk_") {
		t.Fatalf("got %d %q %s, want the bot and its key alone on standard output", code, out, errs)
	}
	for _, want := range []string{"Nothing that can be seen from here keeps the bot out.", "proved      mint: ", "refused     connection: The bot was made without a candidate"} {
		if !strings.Contains(errs, want) {
			t.Errorf("got %s, want %q", errs, want)
		}
	}
	id, later := lines[0], ""
	if code, out, errs = a.run("bot", "create", "--json", "--meeting", link, "--connection", a.ana, "--at", "90m", "--deduplication-key", "once"); code != 0 {
		t.Fatalf("got %d %s", code, errs)
	}
	var made lanyardtest.JSON
	if err := json.Unmarshal([]byte(out), &made); err != nil || made.Str("state") != "scheduled" || made.Str("preflight.can") != "unknown" {
		t.Errorf("got %v %s", err, out)
	}
	later = made.Str("id")
	if code, _, errs := a.run("bot", "create", "--meeting", link, "--deduplication-key", "once"); code != exitConflict || !strings.Contains(errs, "choices: "+later) {
		t.Errorf("the same key again: got %d %s", code, errs)
	}
	for name, c := range map[string]struct {
		args []string
		want []string // of the two
	}{
		"all":           {nil, []string{id, later}},
		"by state":      {[]string{"--state", "scheduled"}, []string{later}},
		"by metadata":   {[]string{"--metadata", "order=17,of=x"}, []string{id}},
		"another value": {[]string{"--metadata", "order=17,of=y"}, nil},
		"by key":        {[]string{"--deduplication-key", "once"}, []string{later}},
		"from":          {[]string{"--from", "1h"}, []string{later}},
		"to":            {[]string{"--to", "1h", "--provider", "zoom"}, []string{id}},
		"by words":      {[]string{"--dialect", "attendee"}, nil},
	} {
		code, out, errs := a.run(append([]string{"bot", "list"}, c.args...)...)
		if n := strings.Count(out, "bot_"); code != 0 || n != len(c.want) {
			t.Errorf("%s: got %d %s%s, want %v", name, code, out, errs, c.want)
		}
		for _, one := range c.want {
			if !strings.Contains(out, one) {
				t.Errorf("%s: got %s, want %s", name, out, one)
			}
		}
	}

	code, out, errs = a.run("bot", "tokens", id)
	if code != 0 || !strings.HasPrefix(out, "onbehalf ") || strings.Count(out, "\n") != 1 || !strings.Contains(errs, "On behalf of "+a.ana) {
		t.Errorf("got %d %q %s, want the token alone on standard output", code, out, errs)
	}
	if code, out, errs := a.run("bot", "report", id, "--code", "4017", "--sdk", "web"); code != 0 || !strings.Contains(out, "waiting_for_person") {
		t.Errorf("got %d %s%s", code, out, errs)
	}
	if code, _, errs := a.run("bot", "tokens", id); code == 0 || !strings.Contains(errs, "code: person_absent") || !strings.Contains(errs, "Not on behalf of "+a.ana) {
		t.Errorf("got %d %s, want it said on whose behalf not", code, errs)
	}
	code, out, _ = a.run("bot", "show", id)
	for _, want := range []string{"Notes", "not on behalf of " + a.ana, "4017 person_absent", "joining", "SAID BY"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("got %d %s, want %q", code, out, want)
		}
	}
	if strings.Contains(out, "Pass.1") || strings.Contains(out, a.number) {
		t.Errorf("got %s, want no link", out)
	}
	if code, out, _ := a.run("bot", "cancel", id); code != 0 || !strings.Contains(out, "cancelled") {
		t.Errorf("got %d %s", code, out)
	}
	for want, args := range map[int][][]string{
		exitUsage:    {{"bot", "create"}, {"bot", "create", "--meeting", link, "--at", "tomorrow"}, {"bot", "list", "--from", "tomorrow"}, {"bot", "list", "--state", "gone"}, {"bot", "report", id}, {"bot", "show"}},
		exitConflict: {{"bot", "cancel", id}, {"bot", "tokens", id}},
		exitNotFound: {{"bot", "show", "bot_06h23xs7zdxxv9jkra9r45r7y8"}, {"bot", "create", "--meeting", link, "--end-user", "stranger"}},
	} {
		for _, one := range args {
			if code, _, errs := a.run(one...); code != want {
				t.Errorf("%v: got %d %s, want %d", one, code, errs, want)
			}
		}
	}
}
