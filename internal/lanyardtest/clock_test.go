package lanyardtest_test

import (
	"strings"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/server"
	"lanyard/internal/store/storetest"
)

// T40: a server whose clock is ten minutes off connects people and renews as ever,
// and says that its clock is wrong. On PostgreSQL when a token ends is counted by
// the database's clock, so that it is right although ours is not.
func TestAServerWithAWrongClockWorksAndSaysSo(t *testing.T) {
	t.Parallel()
	for _, offset := range []time.Duration{10 * time.Minute, -10 * time.Minute} {
		for name, postgres := range map[string]bool{"sqlite": false, "postgres": true} {
			t.Run(name+" "+offset.String(), func(t *testing.T) {
				t.Parallel()
				w := lanyardtest.New(t, func(s *server.Settings) {
					s.ClockOffset = offset
					if postgres {
						s.DatabaseURL = lanyard.NewSecret(storetest.PostgreSQL(t).URL)
					}
				})
				ours := time.Now().Add(offset)
				if postgres {
					ours = time.Now()
				}
				c := w.Connect(w.Zoom(), "u", "ana")
				first := lanyardtest.TokenOf(w, c)
				endsIn := func(what string, token lanyardtest.JSON) {
					t.Helper()
					at, err := time.Parse(time.RFC3339, token.Str("expires_at"))
					if err != nil {
						t.Fatalf("%s: %v in %v", what, err, token)
					}
					if left := at.Sub(ours); left < 58*time.Minute || left > 61*time.Minute {
						t.Errorf("%s: got it to end in %s by the clock that counts, want an hour", what, left)
					}
				}
				endsIn("connected", first)
				w.SQL(`UPDATE grants SET access_expires = $1`, ours.Add(-time.Second).UnixMicro())
				second := lanyardtest.TokenOf(w, c)
				if second.Str("fingerprint") == first.Str("fingerprint") || lanyardtest.StatusOf(w, c) != "active" {
					t.Errorf("got %v, want it renewed", second)
				}
				endsIn("renewed", second)

				st, err := lanyardtest.SocketOf(w).Status(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				near := func(got float64, want time.Duration) bool { return got > want.Seconds()-3 && got < want.Seconds()+3 }
				if !near(st.Clock.ProvidersSeconds, -offset) || st.Clock.Providers == 0 || postgres && !near(st.Clock.DatabaseSeconds, -offset) {
					t.Errorf("got %+v, want others %s ahead", st.Clock, -offset)
				}
				lanyardtest.Eventually(t, func() bool { return strings.Contains(w.Log.String(), "clock is wrong") }, "the log says it, too")
			})
		}
	}
}
