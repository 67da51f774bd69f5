package sandbox

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// zoomUser is GET /v2/users/{me} (Zoom API, "Get a user").
func (s *Sandbox) zoomUser(w http.ResponseWriter, r *http.Request) {
	g := s.zoomCaller(w, r, "user:read:user", "user:read", "user_profile")
	if g == nil {
		return
	}
	p, ok := s.zoomSelf(w, r, g)
	if !ok {
		return
	}
	role, roleName := "2", "Member"
	if p.Admin {
		role, roleName = "1", "Admin"
	}
	writeJSON(w, http.StatusOK, object{
		"id": p.ID, "account_id": p.AccountID, "account_number": p.PMI / 7, "email": p.Email,
		"first_name": p.First, "last_name": p.Last, "display_name": p.Name(),
		"pmi": p.PMI, "use_pmi": false, "personal_meeting_url": fmt.Sprintf("%s/zoom/j/%d", s.base, p.PMI),
		"vanity_url": "", "type": 2, "role_id": role, "role_name": roleName, "status": p.Status,
		"timezone": "Europe/Lisbon", "dept": "", "language": "en-US", "verified": 1,
	})
}

// zoomSelf lets {user} be "me", or the caller's own id or e-mail address.
func (s *Sandbox) zoomSelf(w http.ResponseWriter, r *http.Request, g *grant) (*Person, bool) {
	name := r.PathValue("user")
	if name != "me" && s.providers[Zoom].person(name) != g.person {
		zoomFail(w, http.StatusNotFound, 1001, "User does not exist: "+name+".")
		return nil, false
	}
	return g.person, true
}

// zoomUserToken is GET /v2/users/{me}/token?type=onbehalf|zak (Zoom API, "Get a user token").
func (s *Sandbox) zoomUserToken(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Query().Get("type") {
	case "zak":
		s.zoomZAK(w, r)
		return
	case "onbehalf":
	default:
		zoomFail(w, http.StatusBadRequest, 300, "Validation Failed: type must be onbehalf or zak.")
		return
	}
	g := s.zoomCaller(w, r, "user:read:token", "user:read")
	if g == nil {
		return
	}
	if _, ok := s.zoomSelf(w, r, g); !ok {
		return
	}
	number := r.URL.Query().Get("meeting_id")
	if !meetingNumber.MatchString(number) {
		zoomFail(w, http.StatusBadRequest, 300, "Validation Failed: meeting_id must be a meeting number.")
		return
	}
	ttl, ok := zoomTTL(w, r)
	if !ok {
		return
	}
	writeJSON(w, http.StatusOK, object{"token": s.mint(g, token{kind: "onbehalf", meeting: number}, ttl)})
}

// zoomZAK is GET /v2/users/{me}/zak.
func (s *Sandbox) zoomZAK(w http.ResponseWriter, r *http.Request) {
	g := s.zoomCaller(w, r, "user:read:zak", "user_zak:read")
	if g == nil {
		return
	}
	if _, ok := s.zoomSelf(w, r, g); !ok {
		return
	}
	if ttl, ok := zoomTTL(w, r); ok {
		writeJSON(w, http.StatusOK, object{"token": s.mint(g, token{kind: "zak"}, ttl)})
	}
}

// zoomTTL reads ttl, in seconds: two hours if not given, one year at most.
func zoomTTL(w http.ResponseWriter, r *http.Request) (time.Duration, bool) {
	raw := r.URL.Query().Get("ttl")
	if raw == "" {
		return 2 * time.Hour, true
	}
	n, err := strconv.Atoi(raw)
	if err != nil || n < 1 || n > 365*24*3600 {
		zoomFail(w, http.StatusBadRequest, 300, "Validation Failed: ttl must be 1 to 31536000.")
		return 0, false
	}
	return time.Duration(n) * time.Second, true
}

// zoomJoinToken is GET /v2/meetings/{id}/jointoken/{kind}: for the host alone, and for two minutes.
func (s *Sandbox) zoomJoinToken(w http.ResponseWriter, r *http.Request) {
	kind := r.PathValue("kind")
	var scopes []string
	switch kind {
	case "local_recording", "live_streaming":
		scopes = []string{"meeting:read:" + kind + "_token", "meeting_token:read:" + kind}
	case "local_archiving":
		scopes = []string{"meeting:read:local_archiving_token:admin", "meeting_token:read:admin:local_archiving"}
	default:
		http.NotFound(w, r)
		return
	}
	g := s.zoomCaller(w, r, scopes...)
	if g == nil {
		return
	}
	m := s.hosted(w, r, g)
	if m == nil {
		return
	}
	const seconds = 120
	writeJSON(w, http.StatusOK, object{"expire_in": seconds, "token": s.mint(g, token{kind: kind, meeting: m.number}, seconds*time.Second)})
}

// hosted finds the meeting of the path if the caller may see it: the host, or an administrator of the host's account.
func (s *Sandbox) hosted(w http.ResponseWriter, r *http.Request, g *grant) *meeting {
	number := r.PathValue("id")
	m := s.meetings[number]
	if m == nil || m.host != g.person && (!g.person.Admin || m.host.AccountID != g.person.AccountID) {
		zoomFail(w, http.StatusNotFound, 3001, "Meeting does not exist: "+number+".")
		return nil
	}
	return m
}

// zoomMeeting is GET /v2/meetings/{id}.
func (s *Sandbox) zoomMeeting(w http.ResponseWriter, r *http.Request) {
	g := s.zoomCaller(w, r, "meeting:read:meeting", "meeting:read")
	if g == nil {
		return
	}
	if m := s.hosted(w, r, g); m != nil {
		writeJSON(w, http.StatusOK, s.meetingItem(m))
	}
}

// zoomMeetings is GET /v2/users/{me}/meetings, in pages of at most 300.
func (s *Sandbox) zoomMeetings(w http.ResponseWriter, r *http.Request) {
	g := s.zoomCaller(w, r, "meeting:read:list_meetings", "meeting:read")
	if g == nil {
		return
	}
	if _, ok := s.zoomSelf(w, r, g); !ok {
		return
	}
	size, start := 30, 0
	if raw := r.URL.Query().Get("page_size"); raw != "" {
		n, err := strconv.Atoi(raw)
		if err != nil || n < 1 || n > 300 {
			zoomFail(w, http.StatusBadRequest, 300, "Validation Failed: page_size must be 1 to 300.")
			return
		}
		size = n
	}
	if raw := r.URL.Query().Get("next_page_token"); raw != "" {
		b, _ := base64.RawURLEncoding.DecodeString(raw)
		n, err := strconv.Atoi(string(b))
		if err != nil || n < 0 {
			zoomFail(w, http.StatusBadRequest, 300, "Validation Failed: next_page_token is invalid.")
			return
		}
		start = n
	}
	var mine []*meeting
	for _, m := range s.meetings {
		if m.host == g.person {
			mine = append(mine, m)
		}
	}
	slices.SortFunc(mine, func(a, b *meeting) int { return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.number, b.number)) })
	items, next := []object{}, ""
	for i := start; i < len(mine); i++ {
		if len(items) == size {
			next = base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(i)))
			break
		}
		items = append(items, s.meetingItem(mine[i]))
	}
	writeJSON(w, http.StatusOK, object{"page_size": size, "total_records": len(mine), "next_page_token": next, "meetings": items})
}

func (s *Sandbox) meetingItem(m *meeting) object {
	id, _ := strconv.ParseInt(m.number, 10, 64)
	return object{
		"id": id, "uuid": m.uuid, "host_id": m.host.ID, "topic": m.topic, "type": 2, "status": m.status(),
		"start_time": m.created.UTC().Format(time.RFC3339), "duration": 60, "timezone": "Europe/Lisbon",
		"join_url": s.base + "/zoom/j/" + m.number, "created_at": m.created.UTC().Format(time.RFC3339),
	}
}
