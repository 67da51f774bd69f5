package grant

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"lanyard"
)

// A database that was away for long comes back to those who hold an answer, and to
// those who would take over from them; the former go first. What is over at once, such
// as a deadlock, holds nobody up.
func TestWhoHoldsAnAnswerGoesFirstWhenTheDatabaseIsBack(t *testing.T) {
	gone := lanyard.Errorf(lanyard.CodeStoreUnavailable, "")
	for name, tc := range map[string]struct {
		happens func(o *outage)
		is      bool
		lasts   time.Duration // from then on
	}{
		"nothing":                     {func(o *outage) { o.asked(time.Now(), nil) }, false, 0},
		"a deadlock":                  {func(o *outage) { o.failed(gone); time.Sleep(time.Second); o.asked(time.Now(), nil) }, false, 0},
		"a refusal, which is none":    {func(o *outage) { o.failed(lanyard.Errorf(lanyard.CodeRefreshFailed, "")) }, false, 0},
		"a minute":                    {func(o *outage) { o.failed(gone); time.Sleep(time.Minute); o.asked(time.Now(), nil) }, false, 10 * time.Second},
		"a question takes long":       {func(o *outage) { began := time.Now(); time.Sleep(20 * time.Second); o.asked(began, nil) }, false, 10 * time.Second},
		"it is there, and goes again": {func(o *outage) { o.failed(gone); time.Sleep(time.Minute); o.asked(time.Now(), nil); o.failed(gone) }, true, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := &outage{settle: settleFor}
				tc.happens(o)
				if o.is() != tc.is {
					t.Errorf("got away %v, want %v", o.is(), tc.is)
				}
				for at := time.Duration(0); at < 4*time.Second+tc.lasts; at += time.Second {
					if want := at < tc.lasts; o.lasts() != want && !(tc.is && at >= outageLeast) {
						t.Errorf("after %v: got %v, want %v", at, o.lasts(), want)
					}
					time.Sleep(time.Second)
				}
			})
		})
	}
	o := &outage{}
	o.asked(time.Now().Add(-time.Minute), errors.New("no answer"))
	if !o.lasts() {
		t.Error("away for a minute: got no outage")
	}
}
