package demo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"lanyard/internal/demo"
)

func TestTheStoryIsToldWithItsRefusals(t *testing.T) {
	var out bytes.Buffer
	d, err := demo.Start(t.Context(), demo.Config{Out: &out})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Tell(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{"authorized_user_not_in_meeting", "token_used", "connection_revoked", "scope_missing", "the bot is in the meeting", "join_token.minted"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the story does not say %q", want)
		}
	}
	if n := strings.Count(out.String(), "refused, as it should be"); n != 4 {
		t.Errorf("got %d refusals, want 4: absent, twice, no scope, revoked", n)
	}
	t.Run("each curl works", func(t *testing.T) { curls(t, out.String()) })
}

// curls runs every GET that the story shows, and one POST, in a shell.
func curls(t *testing.T, story string) {
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	var script strings.Builder
	ran := 0
	for _, m := range regexp.MustCompile(`(?m)^\s+\$ (.*)$`).FindAllStringSubmatch(story, -1) {
		line := m[1]
		switch {
		case strings.HasPrefix(line, "export LANYARD="):
			script.WriteString(line + "\n")
		case strings.Contains(line, "/audit/entries") || strings.Contains(line, "/check") || strings.Contains(line, "/token\""):
			script.WriteString(line + "; echo\n")
			ran++
		}
	}
	out, err := exec.CommandContext(ctx, "sh", "-c", script.String()).Output()
	if err != nil {
		t.Fatalf("run the story's curls: %v", err)
	}
	answers := strings.FieldsFunc(string(out), func(r rune) bool { return r == 0x0a })
	if ran < 3 || len(answers) != ran {
		t.Fatalf("got %d answers for %d calls, want one each and at least 3", len(answers), ran)
	}
	for _, a := range answers {
		if !json.Valid([]byte(a)) {
			t.Errorf("got %.80q, want JSON", a)
		}
	}
}

func TestTheStoryAsJSON(t *testing.T) {
	var out bytes.Buffer
	d, err := demo.Start(t.Context(), demo.Config{Out: &out, JSON: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Tell(t.Context()); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		var step struct {
			Step  int
			Title string
		}
		if err := json.Unmarshal([]byte(line), &step); err != nil || step.Title == "" {
			t.Fatalf("got %.100q (%v), want one step as JSON", line, err)
		}
	}
}

func TestTheLastLineSaysWhereEverythingIs(t *testing.T) {
	var out bytes.Buffer
	d, err := demo.Start(t.Context(), demo.Config{Out: &out, JSON: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.LeaveOpen()
	var last struct {
		At struct{ Lanyard, Sandbox, Product, Key string }
	}
	if err := json.Unmarshal(out.Bytes(), &last); err != nil {
		t.Fatal(err)
	}
	for what, path := range map[string]string{last.At.Lanyard: "/docs", last.At.Sandbox: "/", last.At.Product: "/"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, what+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s%s: got %s (%v), want 200", what, path, resp.Status, err)
		}
	}
	if !strings.HasPrefix(last.At.Key, "lyk_") {
		t.Errorf("got key %q, want one that works", last.At.Key)
	}
}

// What a page of another site can make a browser do at the product.
func TestTheProductIsNotPressedByOthers(t *testing.T) {
	var out bytes.Buffer
	d, err := demo.Start(t.Context(), demo.Config{Out: &out, JSON: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.LeaveOpen()
	var last struct{ At struct{ Product string } }
	if err := json.Unmarshal(out.Bytes(), &last); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"/connect": 403, "/invitation": 403, "/complete": 403, "/disconnect": 403, "/bot": 403, "/login": 403, "/reconnect": 403} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, last.At.Product+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", "https://evil.example")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil || resp.StatusCode != want {
			t.Errorf("%s: got %s (%v), want %d", path, resp.Status, err, want)
		}
	}
}
