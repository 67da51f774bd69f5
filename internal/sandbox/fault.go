package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Fault is something that goes wrong on demand, at the next matching requests.
type Fault struct {
	ID    string `json:"id"` // given by the sandbox
	Match Match  `json:"match"`

	// Action is one of
	//	status             answers Status, Headers and Body instead of doing the work
	//	delay              waits DelayMS and then does the work, even if the caller has gone
	//	drop_before_commit closes the connection; nothing was done
	//	drop_after_commit  does the work (a refresh token is spent), then closes the connection without a word
	//	cut_body           does the work, announces the whole answer and closes after CutAt bytes of the body
	//	wrong_content      answers 200 with Content: html, empty or garbage
	//	redirect           answers Status (0: 307) with Location
	//	huge               answers 200 with Size bytes of JSON (0: 8 MiB)
	Action      string            `json:"action"`
	AfterCommit bool              `json:"after_commit,omitempty"` // status, delay, wrong_content, redirect, huge: the work is done first
	Status      int               `json:"status,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"`
	Body        string            `json:"body,omitempty"`
	DelayMS     int               `json:"delay_ms,omitempty"` // milliseconds; waits before any action
	CutAt       int               `json:"cut_at,omitempty"`   // bytes
	Content     string            `json:"content,omitempty"`
	Location    string            `json:"location,omitempty"`
	Size        int               `json:"size,omitempty"` // bytes

	Times int `json:"times,omitempty"` // how often it strikes; 0: until it is removed
	Skip  int `json:"skip,omitempty"`  // how many matching requests pass first
	Every int `json:"every,omitempty"` // then each so-manieth strikes; 0: each
	Hits  int `json:"hits"`            // how often it has struck
	seen  int
}

// Match selects requests; empty fields match all.
type Match struct {
	Provider  string `json:"provider,omitempty"`
	Endpoint  string `json:"endpoint,omitempty"` // authorize, token, revoke, userinfo, api, join, discovery, jwks
	Path      string `json:"path,omitempty"`     // the beginning of the path
	GrantType string `json:"grant_type,omitempty"`
	Client    string `json:"client_id,omitempty"`
}

var actions = []string{"status", "delay", "drop_before_commit", "drop_after_commit", "cut_body", "wrong_content", "redirect", "huge"}

func (f *Fault) check() error {
	switch {
	case !slices.Contains(actions, f.Action):
		return fmt.Errorf("unknown action %q; have %s", f.Action, strings.Join(actions, ", "))
	case f.Action == "status" && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("status %d: give 200 to 599", f.Status)
	case f.Action == "redirect" && f.Status != 0 && (f.Status < 300 || f.Status > 399):
		return fmt.Errorf("status %d: a redirect has 300 to 399", f.Status)
	case f.Action == "redirect" && f.Location == "":
		return fmt.Errorf("redirect needs location")
	case f.Action == "wrong_content" && !slices.Contains([]string{"html", "empty", "garbage"}, f.Content):
		return fmt.Errorf("content %q: have html, empty, garbage", f.Content)
	case f.Action == "delay" && f.DelayMS <= 0:
		return fmt.Errorf("delay needs delay_ms")
	case f.DelayMS < 0 || f.DelayMS > 600_000 || f.CutAt < 0 || f.Size < 0 || f.Size > 1<<30 || f.Times < 0 || f.Skip < 0 || f.Every < 0:
		return fmt.Errorf("a number is negative or too large")
	}
	return nil
}

// AddFault arranges for a fault and returns it with its id.
func (s *Sandbox) AddFault(f Fault) (Fault, error) {
	if err := f.check(); err != nil {
		return Fault{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Match.Provider != "" && s.providers[f.Match.Provider] == nil {
		return Fault{}, fmt.Errorf("unknown provider %q", f.Match.Provider)
	}
	f.ID, f.Hits, f.seen = s.next("fault_"), 0, 0
	s.faults = append(s.faults, &f)
	return f, nil
}

// Faults lists the faults that are armed or spent.
func (s *Sandbox) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Fault{}
	for _, f := range s.faults {
		out = append(out, *f)
	}
	return out
}

// RemoveFault removes one fault, or all when id is empty, and tells whether there was any.
func (s *Sandbox) RemoveFault(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.faults)
	s.faults = slices.DeleteFunc(s.faults, func(f *Fault) bool { return id == "" || f.ID == id })
	return len(s.faults) < n
}

// strike finds the fault for a request and counts it. The first one that matches and is not spent is taken.
func (s *Sandbox) strike(ep endpoint, r *http.Request, grantType, client string) *Fault {
	is := func(want, got string) bool { return want == "" || want == got }
	for _, f := range s.faults {
		m := f.Match
		if !is(m.Provider, ep.provider) || !is(m.Endpoint, ep.name) || !is(m.GrantType, grantType) || !is(m.Client, client) ||
			!strings.HasPrefix(r.URL.Path, m.Path) || f.Times > 0 && f.Hits >= f.Times {
			continue
		}
		if f.seen++; f.seen <= f.Skip || f.Every > 1 && (f.seen-f.Skip)%f.Every != 0 {
			continue
		}
		f.Hits++
		s.ledger.add(Entry{Event: "fault", Provider: ep.provider, Kind: f.Action, Client: client, Detail: f.ID + " at " + ep.name})
		copied := *f
		return &copied
	}
	return nil
}
