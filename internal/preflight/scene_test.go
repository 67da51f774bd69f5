package preflight_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
	"lanyard/internal/server"
)

// scene is Ana, who has connected her Zoom account, and a meeting.
type scene struct {
	*lanyardtest.World
	app, client string
	ana         lanyardtest.JSON
	number      string
}

const hookSecret = "secret-of-the-notices"

// newScene makes one; in it Zoom tells of meetings, and they are listed.
func newScene(t *testing.T) *scene {
	t.Helper()
	w := lanyardtest.New(t, func(s *server.Settings) { s.MeetingsStop = false })
	s := &scene{World: w}
	s.app = w.Zoom(func(c *sandbox.Client) { s.client = c.ID })
	w.OK("PATCH", "/v1/apps/"+s.app, map[string]any{"webhook_secret": hookSecret})
	if _, err := w.Sandbox.PatchClient(sandbox.Zoom, s.client, []byte(`{"webhook_url":"`+w.URL+"/hooks/zoom/"+s.app+`","webhook_secret":"`+hookSecret+`"}`)); err != nil {
		t.Fatal(err)
	}
	s.ana = w.Connect(s.app, "u", "ana")
	s.number = s.meeting("ana")
	return s
}

func (s *scene) meeting(host string) string {
	s.T.Helper()
	m, err := s.Sandbox.CreateMeeting(host, "", "")
	if err != nil {
		s.T.Fatal(err)
	}
	return m.Number
}

// known waits until it is known who hosts Ana's meeting.
func (s *scene) known() {
	s.T.Helper()
	lanyardtest.Eventually(s.T.(*testing.T), func() bool {
		return s.OK("GET", "/v1/meetings?meeting_number="+s.number, nil).Str("host") == "connected"
	}, "the host is known")
}

// present lets somebody come or go, and waits until that is known of Ana.
func (s *scene) present(person string, here bool, ana string) {
	s.T.Helper()
	s.known()
	if _, err := s.Sandbox.SetPresent(s.number, person, here); err != nil {
		s.T.Fatal(err)
	}
	lanyardtest.Eventually(s.T.(*testing.T), func() bool {
		for _, c := range s.OK("GET", "/v1/meetings?meeting_number="+s.number+"&connection_id="+s.ana.Str("id"), nil).List("connections") {
			if c.Str("connection_id") == s.ana.Str("id") {
				return c.Str("presence") == ana
			}
		}
		return false
	}, "ana is "+ana)
}

// ask asks about Ana and her meeting, with what is to be otherwise; nil takes a member away.
func (s *scene) ask(other map[string]any) lanyardtest.JSON {
	s.T.Helper()
	return s.askAs(s.Key, other)
}

func (s *scene) askAs(key string, other map[string]any) lanyardtest.JSON {
	s.T.Helper()
	body := map[string]any{"meeting_url": "https://us02web.zoom.us/j/" + s.number + "?pwd=Pass.1", "connection_id": s.ana.Str("id")}
	maps.Copy(body, other)
	maps.DeleteFunc(body, func(_ string, v any) bool { return v == nil })
	status, out := s.Call(key, "POST", "/v1/preflight", body)
	if status != 200 {
		s.T.Fatalf("preflight: got %d %v", status, out)
	}
	if path := os.Getenv("PREFLIGHT_SHOW"); path != "" { // to read what it says, in one piece
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			s.T.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		_, _ = f.WriteString("\n" + s.T.Name() + "\n" + out.Str("can") + ": " + out.Str("summary") + "\n")
		for _, l := range out.List("lines") {
			_, _ = f.WriteString("  " + l.Str("verdict") + " " + l.Str("about") + " (" + l.Str("by") + ", " + l.Str("code") + "): " + l.Str("say") + " → " + l.Str("do") + "\n")
		}
	}
	return out
}

// line is one of an answer, "about verdict by code".
func line(l lanyardtest.JSON) string {
	return strings.TrimSpace(l.Str("about") + " " + l.Str("verdict") + " " + l.Str("by") + " " + l.Str("code"))
}

// find returns the line of an answer that is want; nil if there is none.
func find(out lanyardtest.JSON, want string) lanyardtest.JSON {
	lines := out.List("lines")
	if i := slices.IndexFunc(lines, func(l lanyardtest.JSON) bool { return line(l) == want }); i >= 0 {
		return lines[i]
	}
	return nil
}

func all(out lanyardtest.JSON) (text []string) {
	for _, l := range out.List("lines") {
		text = append(text, line(l)+": "+l.Str("say")+" → "+l.Str("do"))
	}
	return text
}

// joined has a bot join Ana's meeting at the pretend Zoom.
func joined(s *scene, body map[string]string) (int, string) {
	s.T.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		s.T.Fatal(err)
	}
	resp, err := http.Post(s.SandURL+"/zoom/meetings/"+s.number+"/join", "application/json", bytes.NewReader(raw))
	if err != nil {
		s.T.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.T.Fatal(err)
	}
	return resp.StatusCode, string(text)
}
