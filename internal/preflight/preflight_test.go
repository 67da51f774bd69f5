package preflight_test

import (
	"testing"

	"lanyard/internal/lanyardtest"
)

func TestSmoke(t *testing.T) {
	w := lanyardtest.New(t)
	app := w.Zoom()
	c := w.Connect(app, "u", "ana")
	m, err := w.Sandbox.CreateMeeting("ana", "", "")
	if err != nil {
		t.Fatal(err)
	}
	out := w.OK("POST", "/v1/preflight", map[string]any{"meeting_number": m.Number, "connection_id": c.Str("id"), "types": []string{"onbehalf", "zak", "local_recording"}})
	t.Log(out.Str("can"), out.Str("summary"))
	for _, l := range out.List("lines") {
		t.Logf("%s %s %s: %s %s", l.Str("verdict"), l.Str("about"), l.Str("by"), l.Str("say"), l.Str("do"))
	}
}
