package refresh

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"lanyard"
	"lanyard/internal/store"
)

// Stop is why nothing is renewed by the schedule.
type Stop struct {
	Setting bool      `json:"-"`            // on this node, by its settings
	By      string    `json:"by,omitempty"` // on all nodes, by this operator
	At      time.Time `json:"at,omitzero"`
	Callers bool      `json:"callers,omitempty"` // nothing is renewed for callers either
}

// On says whether the schedule is stopped.
func (s Stop) On() bool { return s.Setting || s.By != "" }

// metaStop is the name of the value in the database that all nodes read.
const metaStop = "refresh_stop"

func (s *Scheduler) readStop(ctx context.Context) (stop Stop, err error) {
	var text string
	err = s.Store.View(ctx, func(q *store.Query) error {
		if text, err = q.Meta(metaStop); errors.Is(err, lanyard.NotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return stop, err
	}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &stop); err != nil { // a later version's: what it means is at least a stop
			stop.By = "unknown"
		}
	}
	stop.Setting = s.Stopped
	return stop, nil
}

// Stop ends renewals by the schedule on all nodes, within seconds, until Start; with
// callers, those that callers wait for as well. Renewals that are under way go on.
// Error: operator_only.
func (s *Scheduler) Stop(ctx context.Context, p lanyard.Principal, callers bool) (Stop, error) {
	return s.put(ctx, p, lanyard.ActRefreshStopped, func(at time.Time) Stop { return Stop{By: p.Name, At: at, Callers: callers} })
}

// Start undoes a Stop. Error: operator_only.
func (s *Scheduler) Start(ctx context.Context, p lanyard.Principal) (Stop, error) {
	return s.put(ctx, p, lanyard.ActRefreshStarted, func(time.Time) Stop { return Stop{} })
}

func (s *Scheduler) put(ctx context.Context, p lanyard.Principal, what lanyard.Action, state func(at time.Time) Stop) (Stop, error) {
	if !p.Operator {
		return Stop{}, lanyard.Errorf(lanyard.CodeOperatorOnly, "")
	}
	p.Project = ""
	var is Stop
	err := s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		is = state(tx.Now())
		text := ""
		if is.By != "" {
			raw, err := json.Marshal(is)
			if err != nil {
				return lanyard.Entry{}, err
			}
			text = string(raw)
		}
		e := lanyard.NewEntry(p, what)
		if is.Callers {
			e.Detail = map[string]string{"callers": "true"}
		}
		return e, tx.PutMeta(metaStop, text)
	})
	if err != nil {
		return Stop{}, fmt.Errorf("note the stop: %w", err)
	}
	is.Setting = s.Stopped
	select {
	case s.look <- struct{}{}:
	default: // about to look anyway
	}
	return is, nil
}
