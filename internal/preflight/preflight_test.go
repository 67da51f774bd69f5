package preflight_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
)

// refuse has Zoom's API answer so.
func refuse(status int, body string) func(*scene) {
	return func(s *scene) {
		s.T.Helper()
		if _, err := s.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "api"}, Action: "status", Status: status, Body: body}); err != nil {
			s.T.Fatal(err)
		}
	}
}

func sql(query string) func(*scene) { return func(s *scene) { s.SQL(query) } }

func dead(reason string) func(*scene) {
	return sql(`UPDATE grants SET health = 'dead', reason = '` + reason + `'`)
}

func update(body map[string]any) func(*scene) {
	return func(s *scene) { s.OK("PATCH", "/v1/apps/"+s.app, body) }
}

// soon is an hour that is not now.
var soon = time.Now().Add(3 * time.Hour).UTC().Format(time.RFC3339)

// row is a state of things, a question, and the line that is to be in the answer.
type row struct {
	what string
	set  func(*scene)
	ask  map[string]any
	want string // about, verdict, by, code
	can  string // "": it does not matter
	say  string // is in the sentence
	do   string // is in the next step; "-": there is none
	link bool   // a link for the person comes with it
}

var rows = []row{
	// The link.
	{what: "a whole link", want: "link proved lanyard", say: "the passcode is in it", do: "-"},
	{what: "a typed number", ask: map[string]any{"meeting_url": nil, "meeting_number": "812 3456 7890"}, want: "link proved lanyard", say: "812 3456 7890", do: "-"},
	{what: "no passcode", ask: map[string]any{"meeting_url": "https://zoom.us/j/81234567890"}, want: "link unknown host", do: "whole link"},
	{what: "no link", ask: map[string]any{"meeting_url": "see you there"}, want: "link refused lanyard invalid_meeting_link", can: "no", do: "Copy the whole link"},
	{what: "none at all", ask: map[string]any{"meeting_url": nil}, want: "link refused lanyard invalid_meeting_link", can: "no", do: "Copy the whole link"},
	{what: "a look-alike", ask: map[string]any{"meeting_url": "https://zoom.us.evil.example/j/81234567890"}, want: "link refused lanyard invalid_meeting_link", can: "no"},
	{what: "a look-alike of another product", ask: map[string]any{"meeting_url": "https://meet.google.com.evil.example/abc"}, want: "link refused lanyard invalid_meeting_link", can: "no"},
	{what: "two links", ask: map[string]any{"meeting_url": "https://zoom.us/j/81234567890 or https://zoom.us/j/81234567891"}, want: "link refused lanyard ambiguous_meeting_link", can: "no", do: "one link"},
	{what: "a personal link", ask: map[string]any{"meeting_url": "https://zoom.us/my/ana"}, want: "link refused lanyard personal_meeting_link", can: "no", do: "/j/"},
	{what: "link and number", ask: map[string]any{"meeting_number": "81234567890"}, want: "link refused lanyard invalid_request", can: "no", do: "one of them"},
	{what: "Google Meet", ask: map[string]any{"meeting_url": "https://meet.google.com/abc-defg-hij"}, want: "link unknown lanyard", can: "unknown", say: "Google Meet", do: "bot itself"},
	{what: "Teams", ask: map[string]any{"meeting_url": "https://teams.microsoft.com/l/meetup-join/x"}, want: "link unknown lanyard", can: "unknown", say: "Microsoft Teams"},

	// The connection.
	{what: "it works", want: "connection proved lanyard", say: "Ana Torres has connected", do: "-"},
	{what: "a person who is not connected", ask: map[string]any{"connection_id": nil, "candidates": []map[string]any{{"end_user_id": "stranger"}}}, want: "connection refused person connection_needed", can: "no", do: "Invite"},
	{what: "an account that is not connected", ask: map[string]any{"connection_id": nil, "candidates": []map[string]any{{"account_id": "stranger"}}}, want: "connection refused person connection_needed", can: "no", do: "Invite"},
	{what: "a group in which nobody is", ask: map[string]any{"connection_id": nil, "candidates": []map[string]any{{"label": "sales"}}}, want: "connection refused person connection_needed", can: "no", say: "group"},
	{what: "a host whom nobody knows", ask: map[string]any{"connection_id": nil, "meeting_url": "https://zoom.us/j/81234567890?pwd=a"}, want: "connection unknown host host_not_known", can: "unknown", do: "Name somebody"},
	{what: "disconnected", set: func(s *scene) { s.OK("DELETE", "/v1/connections/"+s.ana.Str("id"), nil) }, want: "connection refused lanyard connection_revoked", can: "no", do: "Invite"},
	{what: "paused", set: func(s *scene) {
		s.OK("PATCH", "/v1/connections/"+s.ana.Str("id"), map[string]any{"paused": true})
	}, want: "connection refused operator connection_paused", can: "no", say: "Ana Torres is paused", do: "let it go on"},
	{what: "taken back", set: dead("user_revoked"), want: "connection refused person user_revoked", can: "no", say: "Ana Torres has taken back", do: "Send Ana Torres the link", link: true},
	{what: "the company's rules", set: dead("admin_policy"), want: "connection refused administrator admin_policy", can: "no", do: "administrator has to allow it first. Send Ana Torres", link: true},
	{what: "unused for too long", set: dead("idle_expired"), want: "connection refused zoom idle_expired", can: "no", do: "Send Ana Torres", link: true},
	{what: "connected elsewhere", set: dead("duplicate_consent"), want: "connection refused zoom duplicate_consent", can: "no", do: "Send Ana Torres", link: true},
	{what: "switched off", set: dead("account_disabled"), want: "connection refused zoom account_disabled", can: "no", do: "switched on at Zoom first. Send", link: true},
	{what: "not accepted", set: dead("needs_reauth"), want: "connection refused zoom needs_reauth", can: "no", do: "Send Ana Torres", link: true},
	{what: "lost on the way", set: dead("response_lost"), want: "connection refused lanyard response_lost", can: "no", do: "Send Ana Torres", link: true},
	{what: "put back", set: dead("restored"), want: "connection refused lanyard restored", can: "no", do: "Send Ana Torres", link: true},
	{what: "not renewed for the moment", set: sql(`UPDATE grants SET health = 'degraded', reason = 'refresh_unconfirmed'`), want: "connection unknown zoom refresh_unconfirmed", can: "unknown", do: "Look again"},
	{what: "not renewed, and over", set: func(s *scene) {
		s.SQL(`UPDATE grants SET health = 'degraded', reason = 'refresh_unconfirmed'`)
		s.Expire(-60)
	}, want: "connection refused zoom refresh_unconfirmed", can: "no", do: "Look again"},

	// Its hour.
	{what: "in three hours", ask: map[string]any{"at": soon}, want: "hour unknown person", can: "unknown", say: "kept alive by itself", do: "-"},
	{what: "it ends before unless it is renewed", set: func(s *scene) {
		s.SQL(`UPDATE grants SET refresh_expires = $1`, time.Now().Add(time.Hour).UnixMicro())
	}, ask: map[string]any{"at": soon}, want: "hour unknown person", do: "Look again"},
	{what: "it cannot be renewed", set: sql(`UPDATE grants SET has_refresh = 0`), ask: map[string]any{"at": soon}, want: "hour refused zoom no_refresh_token", can: "no", do: "connect again", link: true},

	// What was allowed.
	{what: "allowed", want: "scopes proved person", say: "Ana Torres has allowed", do: "-"},
	{what: "not allowed", set: sql(`UPDATE grants SET scopes = '["user:read:user"]'`), want: "scopes refused person scopes_missing", can: "no", say: "Ana Torres has not allowed", do: "everything ticked", link: true},
	{what: "not asked for", set: func(s *scene) {
		s.SQL(`UPDATE grants SET scopes = '["user:read:user"]'`)
		update(map[string]any{"scopes": []string{"user:read:user"}})(s)
	}, want: "scopes refused operator scopes_missing", can: "no", say: "does not ask", do: "Whoever runs the bots"},
	{what: "the old name of a permission", set: sql(`UPDATE grants SET scopes = '["user:read"]'`), want: "scopes proved person"},

	// Whose meeting.
	{what: "a host who is connected", set: (*scene).known, want: "host proved zoom", say: "Ana Torres hosts", do: "-"},
	{what: "a host who is not", ask: map[string]any{"meeting_url": "https://zoom.us/j/81234567890?pwd=a"}, want: "host unknown host", do: "-"},
	{what: "recording, of somebody else's", set: func(s *scene) { s.Connect(s.app, "v", "ben"); s.known() }, ask: map[string]any{"connection_id": nil,
		"candidates": []map[string]any{{"end_user_id": "v"}}, "types": []string{"local_recording"}}, want: "host refused host host_required", can: "no", do: "the host's connection"},

	// Who is there.
	{what: "ana is there", set: func(s *scene) { s.present("ana", true, "present") }, want: "presence proved zoom", say: "Ana Torres is in the meeting", do: "-"},
	{what: "ana is not there", set: func(s *scene) { s.Connect(s.app, "v", "ben"); s.present("ben", true, "absent") }, want: "presence refused person person_absent",
		can: "no", say: "Ana Torres is not in the meeting", do: "own Zoom account"},
	{what: "it is over", set: func(s *scene) { s.present("ana", true, "present"); s.present("ana", false, "absent") }, want: "presence refused person person_absent",
		can: "no", say: "not running", do: "Have Ana Torres open"},
	{what: "nobody tells", want: "presence unknown person", can: "unknown", do: "Have Ana Torres open the meeting"},
	{what: "not today", ask: map[string]any{"at": soon}, want: "presence unknown person", do: "Tell Ana Torres to join on time"},

	// The app.
	{what: "the app is accepted", want: "credentials proved zoom", do: "-"},
	{what: "accepted when it was last used", ask: map[string]any{"trial": false}, want: "credentials proved zoom", say: "accepted the bot's app on"},
	{what: "changed since", set: update(map[string]any{"name": "Other"}), ask: map[string]any{"trial": false}, want: "credentials unknown zoom", can: "unknown"},
	{what: "another secret", set: update(map[string]any{"client_secret": "wrong"}), want: "credentials refused zoom app_misconfigured", can: "no", say: "nobody has to connect again", do: "whoever runs the bots"},
	{what: "stopped", set: func(s *scene) {
		s.SQL(`INSERT INTO breakers (app_id, project_id, state, reason, error, config_version, opened_at, probe_at, probe_node, probes, updated_at)
			SELECT id, project_id, 'open', 'app_misconfigured', 'invalid_client', config_version, 1, 9000000000000000, '', 0, 1 FROM apps`)
	}, ask: map[string]any{"trial": false}, want: "credentials refused zoom app_misconfigured", can: "no", do: "whoever runs the bots"},
	{what: "no secret", set: update(map[string]any{"client_secret": ""}), want: "credentials refused operator app_not_ready", can: "no", do: "client id and secret"},
	{what: "Zoom does not answer about it", set: func(s *scene) {
		if _, err := s.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "token"}, Action: "status", Status: 503}); err != nil {
			s.T.Fatal(err)
		}
	}, want: "credentials unknown zoom", can: "unknown", do: "Look again"},

	// Its approval.
	{what: "nobody has said", want: "publication unknown operator", can: "unknown", do: "Ask whoever runs the bots"},
	{what: "declared", set: update(map[string]any{"published": "yes"}), want: "publication unknown operator", say: "as those who run it say", do: "-"},
	{what: "declared not to be", set: update(map[string]any{"published": "no"}), want: "publication refused operator app_not_published", can: "unknown", do: "Zoom has to review"},
	{what: "a meeting has said otherwise", set: func(s *scene) {
		update(map[string]any{"published": "yes"})(s)
		s.SQL(`UPDATE apps SET refuted = '4011', refuted_at = published_at + 1`)
	}, want: "publication refused zoom app_not_published", can: "unknown", say: "kept a bot of this app out"},
	{what: "a meeting took it for a stranger", set: func(s *scene) {
		update(map[string]any{"published": "yes"})(s)
		s.SQL(`UPDATE apps SET refuted = '504', refuted_at = published_at + 1`)
	}, want: "publication unknown zoom", can: "unknown", do: "look at Zoom"},
	{what: "declared again since", set: func(s *scene) {
		s.SQL(`UPDATE apps SET refuted = '4011', refuted_at = 1`)
		update(map[string]any{"published": "yes"})(s)
	}, want: "publication unknown operator", say: "as those who run it say"},

	// The trial.
	{what: "given", want: "mint proved zoom", say: "thrown away", do: "-"},
	{what: "a recording of one's own", ask: map[string]any{"types": []string{"local_recording"}}, want: "mint proved zoom"},
	{what: "Zoom names a permission", set: refuse(400, `{"code":4711,"message":"Invalid access token, does not contain scopes:[user:read:token]."}`),
		want: "mint refused person scopes_missing", can: "no", say: "Ana Torres has not allowed enough", do: "Send Ana Torres", link: true},
	{what: "Zoom knows no such meeting", set: refuse(404, `{"code":3001,"message":"Meeting does not exist: 1."}`), want: "mint refused zoom meeting_not_found", can: "no", do: "Compare the number"},
	{what: "the account is not active", set: refuse(404, `{"code":1001,"message":"User does not exist."}`), want: "mint refused person user_not_active", can: "no", do: "activate"},
	{what: "only the host", set: refuse(403, `{"code":200,"message":"No permission."}`), ask: map[string]any{"types": []string{"local_recording"}},
		want: "mint refused host host_required", can: "no", do: "the host's connection"},
	{what: "refused, and who knows why", set: refuse(400, `{"code":300,"message":"Validation Failed."}`), want: "mint refused zoom provider_refused", can: "no", do: "whoever runs the bots: Zoom refused (status 400, code 300)."},
	{what: "busy", set: refuse(429, `{"code":429,"message":"Too many."}`), want: "mint unknown zoom rate_limited", can: "unknown", do: "Look again"},
	{what: "out of order", set: refuse(503, `{}`), want: "mint unknown zoom provider_unavailable", can: "unknown", do: "Look again"},

	// The key.
	{what: "a key without the scope", ask: map[string]any{"types": []string{"zak"}, "key": "join:onbehalf"}, want: "key refused operator scope_missing", can: "no", do: "join:zak"},
}

// jargon is what no sentence may have in it that is for a person: they have a phone, and
// no manual.
var jargon = regexp.MustCompile(`(?i)\b(scopes?|grants?|OBF|ZAK|token|oauth|http|refresh|API|JSON|4\d\d\d|50\d|[a-z]+:[a-z]+|[a-z]+_[a-z_]+)\b`)

var spaced = regexp.MustCompile(`\d{3} \d{3,4} \d{3,4}`)

// Every line in every verdict, through the API.
func TestLines(t *testing.T) {
	for _, r := range rows {
		t.Run(strings.ReplaceAll(r.want+" "+r.what, " ", "_"), func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			if r.set != nil {
				r.set(s)
			}
			key, ask := s.Key, map[string]any{}
			for k, v := range r.ask {
				if k == "key" {
					key = s.OK("POST", "/v1/keys", map[string]any{"scopes": []string{"read", v.(string)}}).Str("credential")
					continue
				}
				ask[k] = v
			}
			out := s.askAs(key, ask)
			got := find(out, r.want)
			if got == nil {
				t.Fatalf("got no line %q in:\n%s", r.want, strings.Join(all(out), "\n"))
			}
			if r.can != "" && out.Str("can") != r.can {
				t.Errorf("can: got %s (%s), want %s; lines:\n%s", out.Str("can"), out.Str("summary"), r.can, strings.Join(all(out), "\n"))
			}
			if !strings.Contains(got.Str("say"), r.say) {
				t.Errorf("got %q, want %q in it", got.Str("say"), r.say)
			}
			if do := got.Str("do"); r.do == "-" && do != "" || r.do != "-" && !strings.Contains(do, r.do) {
				t.Errorf("next step: got %q, want %q", do, r.do)
			}
			if (got.Str("reconnect_url") != "") != r.link {
				t.Errorf("got link %q, want one: %v", got.Str("reconnect_url"), r.link)
			}
			plain(t, s, out)
		})
	}
}

// plain looks at the text as who is called by it does: whose turn it is is said, and what
// to do; nothing of it needs a manual, and the passcode is not in it.
func plain(t *testing.T, s *scene, out lanyardtest.JSON) {
	t.Helper()
	if out.Str("summary") == "" {
		t.Error("no summary")
	}
	for _, l := range out.List("lines") {
		switch {
		case l.Str("say") == "" || l.Str("by") == "":
			t.Errorf("got %v, want what was found, and by whom", l)
		case l.Str("verdict") == "refused" && (l.Str("do") == "" || l.Str("code") == ""):
			t.Errorf("refused without a next step: %v", l)
		}
		text := l.Str("say")
		if l.Str("about") == "link" {
			text = spaced.ReplaceAllString(text, "")
		}
		if l.Str("about") == "key" { // of whoever has the key
			continue
		}
		if l.Str("by") != "operator" && !strings.Contains(l.Str("do"), "hoever runs the bots") {
			text += " " + l.Str("do")
		}
		if m := jargon.FindString(text); m != "" {
			t.Errorf("%q in: %s", m, text)
		}
	}
	for _, secret := range []string{"Pass.1", s.client, "pwd="} {
		if strings.Contains(strings.Join(all(out), " ")+out.Str("summary"), secret) {
			t.Errorf("the text has %q in it", secret)
		}
	}
}
