package main

import (
	"fmt"
	"slices"
	"time"

	"lanyard/internal/sandbox"
)

// patience is how long a class may keep a grant waiting whose answer was lost: until
// its access token is nearly dead, and a call with its deadline on top. A run that
// gives less for recovery does not blame those that wait.
const patience = 150 * time.Second

// chance is how long a node must have been up within a grace period to be blamed
// for not using it.
const chance = 5 * time.Second

// excuse says why the answer with a refresh token could not be kept, or who is to
// blame. What excuses is: the process was killed before the answer could be on
// disk; the answer was lost in the network; a fault of our own making had it lost.
func (j *judge) excuse(c class, f *family, t *refresh) (excuse, blame string) {
	a := t.answer
	if a == nil {
		return fmt.Sprintf("generation %d was never answered; ", t.generation), ""
	}
	what := fmt.Sprintf("the answer with generation %d (%s%s)", t.generation, a.Event, dash(a.Detail))
	excuse, from := j.unkept(f, t)
	if excuse == "" {
		n, _ := j.receiver(a)
		l, ok := n.lived(a.Connected)
		switch {
		case !ok:
			return "", what + " was for a process we know nothing of"
		case l.to.IsZero():
			return "", what + " was for a process that lived on"
		case l.how == "term":
			return "", what + " was for a process that was stopped in good order"
		}
		return "", fmt.Sprintf("%s was for a process that lived on for %s", what, l.to.Sub(a.Time))
	}
	if c.kind == sandbox.Grace {
		if spare := j.w.up(from, j.firstUse(t).Add(time.Duration(c.grace)*time.Second)); spare > chance {
			return "", fmt.Sprintf("%s was lost, but the old token worked for %s more while a node was up", what, spare)
		}
	}
	return fmt.Sprintf("%s: %s; ", what, excuse), ""
}

// unkept says why nobody could keep an answer, "" if somebody could, and from when
// on that was so.
func (j *judge) unkept(f *family, t *refresh) (why string, from time.Time) {
	a, w := t.answer, j.w
	n, lost := j.receiver(a)
	if lost {
		return "lost in the network", a.Time
	}
	l, ok := n.lived(a.Connected)
	died := ok && !l.to.IsZero() && l.how != "term"
	if died && l.to.Sub(a.Time) <= w.dawdle {
		return fmt.Sprintf("the process died (%s) %s", l.how, ago(l.to.Sub(a.Time))), l.to
	}
	for _, s := range w.spans {
		if s.node != "" && s.node != n.name {
			continue
		}
		covers := a.Time.After(s.from.Add(-time.Second)) && (s.to.IsZero() || a.Time.Before(s.to.Add(time.Second)))
		switch {
		case covers && s.loses && a.Event == "undelivered":
			return "while " + s.what, a.Time
		case covers && s.what == stopped && f.ended != "" && f.endedAt.After(a.Time) && (s.to.IsZero() || f.endedAt.Before(s.to)):
			return "the node that had it was stopped, and another took over in due time", a.Time
		}
	}
	for _, s := range w.struck {
		why := fmt.Sprintf("fault %s %s", s.point, s.kind)
		switch long, holds := s.holdsUp(); {
		case s.destroys() && a.Time.Sub(s.at).Abs() < time.Second:
			return why, a.Time
		case holds && died && a.Time.After(s.at.Add(-time.Second)) && l.to.Before(s.at.Add(long+w.dawdle)):
			return why + ", and the process died of something else meanwhile", l.to
		}
	}
	return "", time.Time{}
}

// receiver is the node that an answer went to, and whether it was lost on the way.
func (j *judge) receiver(a *sandbox.Entry) (n *node, lost bool) {
	if k, p := j.way(a); p != nil {
		i := slices.IndexFunc(j.w.all, func(n *node) bool { return n.name == k.node })
		return j.w.all[i], p.lost()
	}
	return j.w.all[0], false
}

// way is the link and the connection that a line of the ledger came over; nil: none.
func (j *judge) way(e *sandbox.Entry) (*link, *passage) {
	for _, k := range j.w.links {
		if k.class != e.Provider { // a port may be the near end of several connections, to different places
			continue
		}
		if p := k.at(e.Peer, e.Time); p != nil {
			return k, p
		}
	}
	return nil, nil
}

// helpless says whether a node could not tell the others what it had at a moment: it
// was stopped or cut off, or had been until just before.
func (j *judge) helpless(n *node, at time.Time) bool {
	return slices.ContainsFunc(j.w.spans, func(s *span) bool {
		return s.node == n.name && s.from.Before(at) && (s.to.IsZero() || s.to.Add(time.Second).After(at))
	})
}

func (j *judge) firstUse(t *refresh) time.Time {
	if p := j.all.tokens[t.parent]; p != nil && len(p.uses) > 0 {
		return p.uses[0]
	}
	return t.at
}

func dash(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}

func ago(gap time.Duration) string {
	if gap < 0 {
		return (-gap).Round(10*time.Microsecond).String() + " before"
	}
	return gap.Round(10*time.Microsecond).String() + " after"
}
