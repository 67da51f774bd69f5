//go:build faults && !race

package simtest

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lanyard"
	"lanyard/internal/fault"
)

// Found by cmd/crash -scenario network: the reply to a commit was lost, and the node that
// found its tokens stored remembered the renewal by the time at which it looked. From then on
// the row seemed to be one that was put back, and the connection stood still for ever.
func TestACommitWhoseReplyIsLostIsNoRestore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := small(t, 1)
		w.play(func(*host, string, int) (act, bool) { return atOnce, true })
		var list []string
		for n := 2; n < 4000; n += 3 {
			list = append(list, fmt.Sprintf("%s:error:%d", fault.StoreReply, n))
		}
		undo, err := fault.Set(strings.Join(list, ","))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(6 * time.Hour)
		for sub, h := range w.states() {
			if h.Grant.Health != lanyard.Healthy || h.Grant.Generation < 2 {
				t.Errorf("%s: got %s %s after %d renewals, want it healthy", sub, h.Grant.Health, h.Grant.Reason, h.Grant.Generation)
			}
		}
		if n := fault.Hits(fault.StoreReply); n < 100 {
			t.Errorf("got %d commits, too few to prove anything", n)
		}
		undo()
		w.ends()
	})
}

// Found by cmd/crash -scenario network: the reply to a claim came late, and the refresh token
// was sent although the time for the call was nearly over. The provider renewed, and its answer
// came when nobody listened any more.
func TestNothingIsSentWhenAClaimHasTakenNearlyAllTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := small(t, 1)
		w.play(func(*host, string, int) (act, bool) { return atOnce, true })
		var list []string
		for n := 2; n < 4000; n += 3 {
			list = append(list, fmt.Sprintf("%s:delay:%d:19950ms", fault.StoreReply, n))
		}
		undo, err := fault.Set(strings.Join(list, ","))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(6 * time.Hour)
		undo()
		for sub, h := range w.states() {
			if h.Grant.Health != lanyard.Healthy || h.Grant.Generation < 2 {
				t.Errorf("%s: got %s %s after %d renewals, want it healthy", sub, h.Grant.Health, h.Grant.Reason, h.Grant.Generation)
			}
		}
		w.ends()
	})
}
