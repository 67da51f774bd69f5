package lanyardtest_test

import (
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
)

// A token is there when the meeting begins, although nobody has used the connection
// for long; and one that lasts is left alone.
func TestAMeetingNeedsIt(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		c := w.Connect(w.Zoom(), "u", "ana")
		path := "/v1/connections/" + c.Str("id")
		w.SQL(`UPDATE grants SET used_at = 0, rank = 3, refresh_at = refresh_at + 86400000000`)
		plan := func(in time.Duration) time.Duration {
			w.OK("PATCH", path, map[string]any{"needed_at": time.Now().Add(in).UTC().Format(time.RFC3339)})
			at, err := time.Parse(time.RFC3339, w.OK("GET", path, nil).Str("next_refresh_at"))
			if err != nil {
				t.Fatal(err)
			}
			return time.Until(at)
		}
		if in := plan(20 * time.Minute); in < 23*time.Hour {
			t.Errorf("a meeting that the token outlasts: renewed in %v, want it left alone", in)
		}
		if in := plan(3 * time.Hour); in < 174*time.Minute || in > 176*time.Minute {
			t.Errorf("a meeting in three hours: renewed in %v, want 5 minutes before", in)
		}
		w.Fails("invalid_request", "PATCH", path, map[string]any{"needed_at": time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)})
		w.Fails("invalid_request", "PATCH", path, map[string]any{"needed_at": time.Now().Add(91 * 24 * time.Hour).UTC().Format(time.RFC3339)})
	})
}
