package demo

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"lanyard/internal/sandbox"
	"lanyard/wire"
)

// scopes are what the pretend product asks Zoom for.
var scopes = []string{"user:read:user", "user:read:token", "meeting:read:list_meetings", "meeting:read:local_recording_token"}

// story is the demo with what it has made so far.
type story struct {
	*Demo
	t       *teller
	app     wire.App
	ana     wire.CompletedConnection
	meeting sandbox.Meeting
	obf     string // the one that let the bot in
}

// Tell does the main path and says what it does. An error means that something
// did not go as the story has it.
func (d *Demo) Tell(ctx context.Context) error {
	s := &story{Demo: d, t: &teller{out: d.cfg.Out, json: d.cfg.JSON, color: d.cfg.Color}}
	began := time.Now()
	for _, chapter := range []func(context.Context) error{s.setting, s.register, s.invite, s.read, s.absent, s.present, s.twice, s.weakKey, s.leave, s.log} {
		if err := chapter(ctx); err != nil {
			s.t.flush()
			return fmt.Errorf("step %d: %w", s.t.steps, err)
		}
	}
	s.t.step("That was the main path")
	s.t.say("It took %d ms. The calls above work from your shell as they stand, but for those whose code or token was good once.", time.Since(began).Milliseconds())
	s.t.flush()
	return nil
}

// LeaveOpen says what can be tried now.
func (d *Demo) LeaveOpen() {
	t := &teller{out: d.cfg.Out, json: d.cfg.JSON, color: d.cfg.Color}
	t.step("Now you")
	t.say("Everything goes on running. Be Dana in Harbour Notes, connect Zoom with a pretend account of your choice, make a meeting at the sandbox, and send a bot. Ctrl-C ends it, and its data goes.")
	t.page("Harbour Notes", d.product+"/")
	t.page("the sandbox", d.sandURL+"/")
	t.page("the API, to read", d.url+"/docs")
	t.addresses(map[string]string{"lanyard": d.url, "sandbox": d.sandURL, "product": d.product, "key": d.key})
	t.flush()
}

// ask makes a call that must work, and shows it.
func (s *story) ask(ctx context.Context, c call, out any) error {
	s.t.curl(s.line(c))
	status, err := s.do(ctx, c, s.keyFor(c), out)
	if err == nil && status >= 300 {
		err = fmt.Errorf("%s %s: got status %d", c.method, c.path, status)
	}
	return err
}

// refused makes a call that must be refused with this code, and shows it.
func (s *story) refused(ctx context.Context, c call, key, code string) error {
	s.t.curl(s.line(c))
	var p wire.Problem
	status, err := s.do(ctx, c, key, &p)
	if err != nil {
		return err
	}
	if status < 400 || p.Code != code {
		return fmt.Errorf("%s %s: got %d %q, want a refusal %q", c.method, c.path, status, p.Code, code)
	}
	s.t.got(true, "%d %s. %s", status, p.Code, p.Detail)
	return nil
}

func (s *story) keyFor(c call) string {
	if len(c.path) > 0 && c.path[0] == '/' {
		return s.key
	}
	return ""
}

func (s *story) setting(context.Context) error {
	s.t.step("Three servers on this machine")
	s.t.say("Lanyard; a sandbox of pretend providers; and Harbour Notes, a pretend product that sends bots to meetings. Nothing here talks to anything outside.")
	s.t.page("Lanyard: its documentation", s.url+"/docs")
	s.t.page("the sandbox: pretend Zoom, Google, Microsoft, Slack", s.sandURL+"/")
	s.t.page("Harbour Notes, the customer", s.product+"/")
	s.t.say("For the calls below, tell your shell:")
	s.t.curl("export LANYARD=" + s.url + " SANDBOX=" + s.sandURL + " KEY=" + s.key)
	return nil
}

func (s *story) register(ctx context.Context) error {
	s.t.step("Harbour Notes registers its Zoom app")
	s.t.say("A draft first: its answer says what to paste at Zoom. Then client id and secret go in, sealed under a key that is not in the database.")
	if err := s.ask(ctx, call{method: "PATCH", path: "/v1/project", body: map[string]any{"display_name": "Harbour Notes",
		"return_urls": []string{s.product + "/connected", s.product + "/handed-over"}, "origins": []string{s.product}}}, nil); err != nil {
		return err
	}
	zoom := s.sandURL + "/zoom"
	err := s.ask(ctx, call{method: "POST", path: "/v1/apps", body: map[string]any{"provider": "zoom", "name": "Harbour Notes for Zoom", "scopes": scopes,
		"endpoints": map[string]string{"authorize": zoom + "/oauth/authorize", "token": zoom + "/oauth/token", "revoke": zoom + "/oauth/revoke",
			"identity": zoom + "/v2/users/me", "api": zoom}}}, &s.app)
	if err != nil {
		return err
	}
	c, err := s.sandbox.RegisterClient(sandbox.Client{Provider: sandbox.Zoom, Name: "Harbour Notes", RedirectURIs: []string{s.app.RedirectURI}})
	if err != nil {
		return fmt.Errorf("register at the pretend Zoom: %w", err)
	}
	if err := s.ask(ctx, call{method: "PATCH", path: "/v1/apps/" + s.app.ID, body: map[string]any{"client_id": c.ID, "client_secret": c.Secret}}, &s.app); err != nil {
		return err
	}
	s.t.got(false, "the app is %s; its redirect URI is %s", s.app.State, s.app.RedirectURI)
	var check wire.AppCheck
	if err := s.ask(ctx, call{method: "POST", path: "/v1/apps/" + s.app.ID + "/check"}, &check); err != nil {
		return err
	}
	for _, l := range check.Lines {
		s.t.say("%s: %s (%s)", l.What, l.State, l.How)
	}
	return nil
}

// connect takes one person of the product through the hosted journey.
func (s *story) connect(ctx context.Context, endUser, person string) (done wire.CompletedConnection, err error) {
	var session wire.ConnectSession
	err = s.ask(ctx, call{method: "POST", path: "/v1/connect-sessions", body: map[string]any{"app_id": s.app.ID,
		"end_user": map[string]string{"id": endUser}, "return_url": s.product + "/connected"}}, &session)
	if err != nil {
		return done, err
	}
	s.t.page("the connect page", session.ConnectURL)
	b, err := newBrowser()
	if err != nil {
		return done, err
	}
	back, err := s.consent(ctx, b, session.ConnectURL, person)
	if err != nil {
		return done, err
	}
	completion := back.Query().Get("lanyard_completion")
	if completion == "" {
		return done, fmt.Errorf("the browser came back with %q", back.Query().Get("lanyard_error"))
	}
	return done, s.ask(ctx, call{method: "POST", path: "/v1/connections", body: map[string]any{"completion": completion, "end_user_id": endUser}}, &done)
}

func (s *story) invite(ctx context.Context) (err error) {
	s.t.step("Ana connects her Zoom account")
	s.t.say("Harbour Notes invites its user. Her browser opens the link, sees in plain words what is asked for and what will not be possible, presses Continue, and allows it at Zoom. "+
		"Lanyard parks the code unused and sends her back; only when Harbour Notes says that %q is who is logged in there is the code traded.", "user-ana")
	if s.ana, err = s.connect(ctx, "user-ana", "ana"); err != nil {
		return err
	}
	s.t.got(false, "%s: %s, %s's account at Zoom", s.ana.ID, s.ana.Status, s.ana.Account.DisplayName)
	return nil
}

func (s *story) read(ctx context.Context) error {
	s.t.step("Harbour Notes reads her access token")
	s.t.say("One indexed read, one decryption, and an entry in the log that is durable before the token leaves.")
	var tok wire.Token
	if err := s.ask(ctx, call{method: "POST", path: "/v1/connections/" + s.ana.ID + "/token", body: map[string]any{}}, &tok); err != nil {
		return err
	}
	s.t.got(false, "a token with fingerprint %s, good until %s", tok.Fingerprint, until(tok.ExpiresAt))
	return nil
}

// mint asks for an on-behalf token for the meeting.
func (s *story) mint(ctx context.Context) (string, error) {
	var out wire.JoinTokens
	err := s.ask(ctx, call{method: "POST", path: "/v1/join-tokens", body: map[string]any{"connection_id": s.ana.ID,
		"meeting_url": "https://us02web.zoom.us/j/" + s.meeting.Number + "?pwd=harbour.1", "types": []string{"onbehalf"}}}, &out)
	if err != nil || len(out.Tokens) != 1 {
		return "", fmt.Errorf("got %d tokens: %w", len(out.Tokens), err)
	}
	s.t.say("The SDK takes it as %s (web) or %s (native).", out.Tokens[0].Parameters["web"], out.Tokens[0].Parameters["native"])
	return out.Tokens[0].Token, nil
}

// knock is a bot at the meeting's door.
func (s *story) knock(ctx context.Context, obf string) (status int, message string, err error) {
	c := call{method: "POST", path: s.sandURL + "/zoom/meetings/" + s.meeting.Number + "/join", body: map[string]string{"bot_name": "Harbour Notes", "onbehalf_token": obf}}
	s.t.curl(s.line(c))
	var out struct{ Reason, Message string }
	status, err = s.do(ctx, c, "", &out)
	return status, out.Reason + ": " + out.Message, err
}

func (s *story) absent(ctx context.Context) (err error) {
	if s.meeting, err = s.sandbox.CreateMeeting("ben", "Harbour roundtable", ""); err != nil {
		return err
	}
	s.t.step("A bot wants into a meeting, and Ana is not there yet")
	s.t.say("Ben hosts the meeting. Zoom lets no bot into it without a token tied to a participant who consented and is present.")
	s.t.page("the meeting", s.sandURL+"/zoom/meetings/"+s.meeting.Number)
	obf, err := s.mint(ctx)
	if err != nil {
		return err
	}
	status, message, err := s.knock(ctx, obf)
	if err != nil || status != http.StatusForbidden {
		return fmt.Errorf("the bot got %d %s, want it refused: %w", status, message, err)
	}
	s.t.got(true, "%d %s", status, message)
	return nil
}

func (s *story) present(ctx context.Context) (err error) {
	s.t.step("Ana arrives, and the bot gets in on her behalf")
	err = s.ask(ctx, call{method: "POST", path: s.sandURL + "/admin/meetings/" + s.meeting.Number + "/present", body: map[string]string{"person": "ana"}}, nil)
	if err != nil {
		return err
	}
	if s.obf, err = s.mint(ctx); err != nil {
		return err
	}
	status, message, err := s.knock(ctx, s.obf)
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("the bot got %d %s, want it in the meeting: %w", status, message, err)
	}
	s.t.got(false, "the bot is in the meeting")
	return nil
}

func (s *story) twice(ctx context.Context) error {
	s.t.step("A second bot tries the same token")
	s.t.say("An on-behalf token is for one bot and one meeting. Lanyard mints one per call and keeps none.")
	status, message, err := s.knock(ctx, s.obf)
	if err != nil || status != http.StatusForbidden {
		return fmt.Errorf("the second bot got %d %s, want it refused: %w", status, message, err)
	}
	s.t.got(true, "%d %s", status, message)
	return nil
}

func (s *story) weakKey(ctx context.Context) error {
	s.t.step("A key without the scope")
	s.t.say("A key that may look at connections mints nothing, and the log says that it tried.")
	var made wire.MadeKey
	if err := s.ask(ctx, call{method: "POST", path: "/v1/keys", body: map[string]any{"name": "reports", "scopes": []string{"read"}}}, &made); err != nil {
		return err
	}
	s.t.curl("export WEAK=" + made.Credential)
	return s.refused(ctx, call{method: "POST", path: "/v1/join-tokens", as: "WEAK", body: map[string]any{"connection_id": s.ana.ID,
		"meeting_number": s.meeting.Number, "types": []string{"onbehalf"}}}, made.Credential, "scope_missing")
}

func (s *story) leave(ctx context.Context) error {
	s.t.step("Ben connects too, and leaves again")
	ben, err := s.connect(ctx, "user-ben", "ben")
	if err != nil {
		return err
	}
	s.t.got(false, "%s: %s", ben.ID, ben.Status)
	s.t.say("He disconnects: nothing is handed out from then on, and Zoom is told.")
	var gone wire.Revocation
	if err := s.ask(ctx, call{method: "DELETE", path: "/v1/connections/" + ben.ID}, &gone); err != nil {
		return err
	}
	s.t.got(false, "at Zoom: %s", gone.Outcome)
	if gone.Outcome != "revoked" {
		return fmt.Errorf("the grant was %s at Zoom, want revoked", gone.Outcome)
	}
	return s.refused(ctx, call{method: "POST", path: "/v1/connections/" + ben.ID + "/token", body: map[string]any{}}, s.key, "connection_revoked")
}

func (s *story) log(ctx context.Context) error {
	s.t.step("The log that shows it")
	s.t.say("Every consent, hand-out and refusal, durable before its answer left, newest first.")
	var entries wire.List[wire.AuditEntry]
	if err := s.ask(ctx, call{method: "GET", path: "/v1/audit/entries?limit=40"}, &entries); err != nil {
		return err
	}
	var rows [][]string
	for _, e := range entries.Data {
		what := short(e.Detail)
		if e.Code != "" {
			what = e.Code + " " + what
		}
		if r := []rune(what); len(r) > 60 {
			what = string(r[:59]) + "…"
		}
		rows = append(rows, []string{e.At.Format(time.TimeOnly), shortWho(e.Who), e.What, e.Outcome, what})
	}
	s.t.table([]string{"at", "who", "what", "outcome", "detail"}, rows)
	for _, want := range [][2]string{{"connection.created", "ok"}, {"token.read", "ok"}, {"join_token.minted", "ok"}, {"connection.revoked", "ok"}} {
		if !slices.ContainsFunc(entries.Data, func(e wire.AuditEntry) bool { return e.What == want[0] && e.Outcome == want[1] }) {
			return fmt.Errorf("the log has no %s with outcome %s", want[0], want[1])
		}
	}
	if !slices.ContainsFunc(entries.Data, func(e wire.AuditEntry) bool { return e.Outcome == "denied" && e.Code == "scope_missing" }) {
		return fmt.Errorf("the log does not say that the weak key was refused")
	}
	return nil
}

// shortWho leaves the end of a key's id, which tells keys apart.
func shortWho(who string) string {
	if r := []rune(who); len(r) > 16 {
		return string(r[:8]) + "…" + string(r[len(r)-6:])
	}
	return who
}

func until(t *time.Time) string {
	if t == nil {
		return "it is revoked"
	}
	return t.Format(time.TimeOnly) + " UTC"
}
