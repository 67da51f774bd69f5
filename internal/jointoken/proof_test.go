package jointoken_test

import (
	"encoding/json"
	"os"
	"testing"

	"lanyard/internal/jointoken"
)

// What Python's json.dumps sends, and what Attendee signs of it: written by Python itself.
func TestCanonicalIsWhatPythonSigns(t *testing.T) {
	raw, err := os.ReadFile("testdata/canonical.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct{ Sent, Signed string }
	if err := json.Unmarshal(raw, &vectors); err != nil || len(vectors) < 5 {
		t.Fatalf("got %d vectors: %v", len(vectors), err)
	}
	for _, v := range vectors {
		got, err := jointoken.Canonical([]byte(v.Sent))
		if err != nil || string(got) != v.Signed {
			t.Errorf("got  %s (%v)\nwant %s", got, err, v.Signed)
		}
	}
	for _, bad := range []string{"", "{", `{"a":1}x`, `{"a":1}{}`} {
		if got, err := jointoken.Canonical([]byte(bad)); err == nil {
			t.Errorf("%q: got %s, want an error", bad, got)
		}
	}
}
