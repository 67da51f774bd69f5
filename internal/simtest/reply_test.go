//go:build faults && !race

package simtest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lanyard"
	"lanyard/internal/fault"
)

// leaseOver is when the lease of a claim whose reply was lost has run out. To be judged at once
// was to be told of a lease: one run in ten, when a renewal was due in the last minute.
const leaseOver = 2 * time.Minute

// oneInThree names one commit in three, without a rhythm: with one, a renewal that costs three
// commits met the same fault at each try, and nobody was renewed in six hours.
func oneInThree(what string) string {
	var list []string
	r := rand.New(rand.NewPCG(1, 2))
	for n := 2; n < 4000; n += 2 + r.IntN(3) {
		list = append(list, fmt.Sprintf("%s:"+what, fault.StoreReply, n))
	}
	return strings.Join(list, ",")
}

// Found by cmd/crash -scenario network: the reply to a commit was lost, and the node that
// found its tokens stored remembered the renewal by the time at which it looked. From then on
// the row seemed to be one that was put back, and the connection stood still for ever.
func TestACommitWhoseReplyIsLostIsNoRestore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := small(t, 1)
		w.play(func(*host, string, int) (act, bool) { return atOnce, true })
		undo, err := fault.Set(oneInThree("error:%d"))
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
		time.Sleep(leaseOver)
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
		undo, err := fault.Set(oneInThree("delay:%d:19950ms"))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(6 * time.Hour)
		undo()
		time.Sleep(leaseOver)
		for sub, h := range w.states() {
			if h.Grant.Health != lanyard.Healthy || h.Grant.Generation < 2 {
				t.Errorf("%s: got %s %s after %d renewals, want it healthy", sub, h.Grant.Health, h.Grant.Reason, h.Grant.Generation)
			}
		}
		w.ends()
	})
}
