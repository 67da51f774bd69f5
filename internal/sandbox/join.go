package sandbox

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// refusedJoin is why a bot was not let in: the Meeting SDK's number and our word for it.
type refusedJoin struct {
	status  int
	code    int
	reason  string
	message string
}

// join is POST /zoom/meetings/{number}/join: what the Meeting SDK would do for a bot.
func (s *Sandbox) join(w http.ResponseWriter, r *http.Request) {
	var in struct {
		BotName        string `json:"bot_name"`
		OnBehalfToken  string `json:"onbehalf_token"`
		ZAK            string `json:"zak"`
		RecordingToken string `json:"recording_token"`
	}
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		writeJSON(w, http.StatusBadRequest, object{"code": 300, "reason": "invalid_request", "message": "The body is not the JSON of a join request."})
		return
	}
	number := r.PathValue("number")
	m := s.meetings[number]
	b, no := s.admit(m, number, in.OnBehalfToken, in.ZAK, in.RecordingToken)
	if no != nil {
		e := Entry{Event: "join_refused", Provider: Zoom, Kind: "bot", Meeting: number, Detail: no.reason}
		if in.OnBehalfToken != "" {
			e.Fingerprint = Fingerprint(in.OnBehalfToken)
		}
		if t := s.find(in.OnBehalfToken); t != nil {
			s.noteGrant(e, t.grant)
		} else {
			s.ledger.add(e)
		}
		writeJSON(w, no.status, object{"code": no.code, "reason": no.reason, "message": no.message})
		return
	}
	b.name = in.BotName
	if b.name == "" {
		b.name = "Bot"
	}
	b.id, b.joined = s.next("bot_"), time.Now()
	if m.status() == "waiting" {
		s.tellMeeting("meeting.started", m, nil, nil)
	}
	m.bots = append(m.bots, b)
	s.noteGrant(Entry{Event: "joined", Kind: "bot", Meeting: number, Detail: b.id}, b.grant)
	s.tellMeeting("meeting.participant_joined", m, nil, botObject(b, "join_time"))
	writeJSON(w, http.StatusOK, object{"status": "in_meeting", "participant_id": b.id, "person": b.person.Handle, "recording": b.recording})
}

// admit decides. Nothing is spent unless everything is in order: a bot that came too early may try again with the same token.
func (s *Sandbox) admit(m *meeting, number, obf, zak, rec string) (*attendant, *refusedJoin) {
	switch {
	case m == nil:
		return nil, &refusedJoin{http.StatusNotFound, 3001, "meeting_not_found", "Meeting does not exist: " + number + "."}
	case obf != "" && zak != "":
		return nil, &refusedJoin{http.StatusForbidden, 502, "on_behalf_conflict", "An on-behalf token and a ZAK cannot be used together."}
	case obf == "" && zak == "":
		return nil, &refusedJoin{http.StatusForbidden, 4012, "authentication_required", "A bot needs the on-behalf token of somebody in the meeting."}
	}
	text, kind := obf, "onbehalf"
	if zak != "" {
		text, kind = zak, "zak"
	}
	pass, no := s.pass(text, kind, number)
	if no != nil {
		return nil, no
	}
	who := pass.grant.person
	if kind == "onbehalf" && !m.has(who) {
		return nil, &refusedJoin{http.StatusForbidden, 4017, "authorized_user_not_in_meeting", "The person who authorized this bot is not in the meeting."}
	}
	if kind == "zak" && m.status() == "waiting" && m.host != who {
		return nil, &refusedJoin{http.StatusForbidden, 3008, "meeting_not_started", "The meeting has not started, and only its host can start it."}
	}
	b := &attendant{person: who, grant: pass.grant, asPerson: kind == "zak"}
	if rec != "" {
		t, no := s.pass(rec, "local_recording", number)
		if no != nil {
			no.code, no.message = 500, "Recording token: "+no.message
			return nil, no
		}
		s.spend(t)
		b.recording = true
	}
	if kind == "onbehalf" {
		s.spend(pass)
	} else {
		s.note("used", pass, "")
	}
	return b, nil
}

// pass checks one meeting token without spending it.
func (s *Sandbox) pass(text, kind, number string) (*token, *refusedJoin) {
	no := func(reason, message string) (*token, *refusedJoin) {
		return nil, &refusedJoin{http.StatusForbidden, 4013, reason, message}
	}
	t := s.find(strings.TrimSpace(text))
	switch {
	case t == nil || t.kind != kind:
		return no("token_invalid", "The token is not one of ours, or of another kind.")
	case t.grant.ended != "" || t.dead != "":
		return no("token_invalid", "The authorization behind the token has ended.")
	case !t.used.IsZero():
		return no("token_used", "The token was used before.")
	case t.expired():
		return no("token_expired", "The token has expired.")
	case t.meeting != "" && t.meeting != number:
		return no("meeting_mismatch", "The token was made for another meeting.")
	}
	return t, nil
}

func (s *Sandbox) spend(t *token) {
	t.used = time.Now()
	s.note("used", t, "")
}

func (m *meeting) has(who *Person) bool {
	for _, p := range m.present {
		if p == who {
			return true
		}
	}
	return false
}

// leave is POST /zoom/meetings/{number}/leave {"participant_id"}.
func (s *Sandbox) leave(w http.ResponseWriter, r *http.Request) {
	var in struct {
		ParticipantID string `json:"participant_id"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err == nil {
		if m := s.meetings[r.PathValue("number")]; m != nil {
			for _, b := range m.bots {
				if b.id == in.ParticipantID && b.ended == "" {
					s.eject(m, b, "left")
					writeJSON(w, http.StatusOK, object{"status": "left"})
					return
				}
			}
		}
	}
	writeJSON(w, http.StatusNotFound, object{"code": 3001, "reason": "not_in_meeting", "message": "No such participant in this meeting."})
}
