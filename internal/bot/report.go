package bot

import (
	"context"
	"errors"
	"regexp"
	"slices"

	"lanyard"
	"lanyard/internal/store"
)

// Report is what whoever runs a bot says of it: a state, a code of the Meeting SDK, or both.
type Report struct {
	State      lanyard.BotState     // "": what the code says
	SDK        string               // whose code it is, as in lanyard.JoinFailure: "web", "native" …; "": whichever has it
	Code       string               // as the SDK gives it: "4017", or its name
	Connection lanyard.ConnectionID // on whose behalf it tried; "": on whose it was given tokens last
}

// reported are the states that whoever runs a bot knows of.
var reported = []lanyard.BotState{lanyard.BotJoining, lanyard.BotWaitingForPerson, lanyard.BotWaitingRoom, lanyard.BotJoined, lanyard.BotLeft, lanyard.BotFailed}

var sdkCode = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

// Report notes what came of a try, and moves the bot. What helps against a code decides:
// where somebody has to come the bot waits for them, where another try may do it is ready
// again, and otherwise it has failed. The bot's own key may report, and whoever may make
// bots or ask for join tokens.
//
// Errors: scope_missing, invalid_request, not_found, bot_over, bot_state.
func (s *Service) Report(ctx context.Context, p lanyard.Principal, ref string, r Report) (View, error) {
	if err := mayReport(p); err != nil {
		return View{}, err
	}
	b, err := s.find(ctx, p, ref)
	if err == nil {
		if err = within(p, b); b.Used != "" && s.concerns(ctx, p, b.Used) { // it has joined on behalf of somebody whom p reaches
			err = nil
		}
	}
	if err != nil {
		return View{}, err
	}
	switch {
	case r.State == "" && r.Code == "":
		return View{}, lanyard.Errorf(lanyard.CodeInvalidRequest, "state or code: say what came of it")
	case r.State != "" && !slices.Contains(reported, r.State):
		return View{}, lanyard.Errorf(lanyard.CodeInvalidRequest, "state: joining, waiting_for_person, waiting_room, joined, left or failed")
	case r.Code != "" && !sdkCode.MatchString(r.Code) || r.SDK != "" && !sdkCode.MatchString(r.SDK):
		return View{}, lanyard.Errorf(lanyard.CodeInvalidRequest, "sdk, code: as the Meeting SDK names them; 1 to 100 letters and digits")
	case r.Connection != "" && !s.concerns(ctx, p, r.Connection):
		return View{}, lanyard.Errorf(lanyard.CodeNotFound, "")
	}
	by := "caller"
	if b.Kind == lanyard.RunnerWebhook {
		by = "runner"
	}
	if err := s.heard(ctx, p, b, r, by); err != nil {
		return View{}, err
	}
	return s.get(ctx, p, string(b.ID))
}

func mayReport(p lanyard.Principal) error {
	if p.Bot != "" || p.May(lanyard.ScopeJoinOnBehalf) || p.May(lanyard.ScopeJoinZAK) || p.May(lanyard.ScopeJoinRecording) {
		return nil
	}
	return p.Need(lanyard.ScopeConnect)
}

func (s *Service) concerns(ctx context.Context, p lanyard.Principal, id lanyard.ConnectionID) bool {
	return s.Store.View(ctx, func(q *store.Query) error {
		c, _, err := q.Connection(p.Project, id)
		if err == nil {
			err = p.Reaches(c.Provider, c.Label)
		}
		return err
	}) == nil
}

// heard applies what was said of a bot, by whoever runs it. It may be said twice.
func (s *Service) heard(ctx context.Context, p lanyard.Principal, b lanyard.Bot, r Report, by string) error {
	why, known := lanyard.JoinFailure{}, false
	if r.Code != "" {
		why, known = lanyard.JoinCode(r.SDK, r.Code)
	}
	if lanyard.Refutes(r.Code) && b.Used != "" { // the meeting speaks against what the operator has declared
		if err := s.refuted(ctx, p, b, r.Code); err != nil {
			return err
		}
	}
	return s.change(ctx, p, &b, func(tx *store.Tx, e lanyard.Entry) (lanyard.Entry, error) {
		w := said{by: by, connection: r.Connection, sdk: r.Code}
		if w.connection == "" {
			w.connection = b.Used
		}
		if known {
			w.code = why.Reason()
		}
		to := r.State
		if to == "" {
			to = follows(b, why, known)
		}
		if b.State.Over() && to == b.State { // heard once more
			return lanyard.Entry{}, nil
		}
		if to == lanyard.BotFailed && w.code == "" {
			w.code = lanyard.CodeJoinFailed
		}
		if why.Class == lanyard.JoinWaitForPerson || why.Class == lanyard.JoinPersonLeft || to == lanyard.BotWaitingForPerson {
			w.code = lanyard.CodePersonAbsent
			absent(&b, w.connection, tx, b.State.Inside() || why.Class == lanyard.JoinPersonLeft)
		}
		if to == b.State && r.Code != "" { // no move, and worth a line
			return lanyard.Entry{}, s.step(tx, b, w)
		}
		return s.walk(tx, e, &b, to, w)
	})
}

func (s *Service) refuted(ctx context.Context, p lanyard.Principal, b lanyard.Bot, code string) error {
	var c lanyard.Connection
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		c, _, err = q.Connection(b.Project, b.Used)
		return err
	})
	if err == nil {
		err = s.Apps.Refuted(ctx, p, c.App, code)
	}
	if errors.Is(err, lanyard.NotFound) { // gone since
		return nil
	}
	return err
}

// follows is the state that a code of the Meeting SDK leads to.
func follows(b lanyard.Bot, why lanyard.JoinFailure, known bool) lanyard.BotState {
	switch {
	case known && (why.Class == lanyard.JoinWaitForPerson || why.Class == lanyard.JoinPersonLeft):
		return lanyard.BotWaitingForPerson
	case known && why.Class == lanyard.JoinOver && b.State != lanyard.BotWaitingRoom && b.May(lanyard.BotLeft):
		return lanyard.BotLeft
	case !known || why.Passes():
		if b.State.May(lanyard.BotReady) {
			return lanyard.BotReady
		}
		return b.State
	}
	return lanyard.BotFailed
}

// absent notes that somebody was not in the meeting. A try that did not find them counts
// from when it was made; who was there and has left may be tried in a while, and what
// notices say of them until then may be late.
func absent(b *lanyard.Bot, id lanyard.ConnectionID, tx *store.Tx, left bool) {
	if id == "" {
		return
	}
	t, ok := b.Try(id)
	if !ok || left {
		t = lanyard.BotTry{Connection: id, At: tx.Now(), Seen: left}
	}
	t.Absent, t.Code = true, lanyard.CodePersonAbsent
	b.Tried(t)
}
