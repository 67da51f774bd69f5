package sandbox

import (
	"fmt"
	"net/http"
	"time"
)

// DeleteMeeting takes a meeting away, by its host or by somebody else.
func (s *Sandbox) DeleteMeeting(number, by string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.meetings[number]
	if m == nil {
		return fmt.Errorf("there is no meeting %s", number)
	}
	who := m.host
	if by != "" {
		if who = s.providers[Zoom].person(by); who == nil {
			return fmt.Errorf("nobody is called %q", by)
		}
	}
	delete(s.meetings, number)
	s.tellMeeting("meeting.deleted", m, operator(who), nil)
	return nil
}

// SetPMI gives a person another personal meeting.
func (s *Sandbox) SetPMI(person string, pmi int64) (Person, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	who := s.providers[Zoom].person(person)
	if who == nil {
		return Person{}, fmt.Errorf("nobody is called %q", person)
	}
	if pmi < 100_000_000 || pmi > 99_999_999_999 {
		return Person{}, fmt.Errorf("pmi %d: give 9 to 11 digits", pmi)
	}
	old := who.PMI
	who.PMI = pmi
	told := map[*Client]bool{}
	for _, g := range s.grants {
		if g.ended == "" && g.client.Provider == Zoom && g.person == who && !told[g.client] {
			told[g.client] = true
			payload := operator(who)
			payload["account_id"] = who.AccountID
			payload["object"], payload["old_object"] = object{"id": who.ID, "pmi": pmi}, object{"id": who.ID, "pmi": old}
			s.tell(g.client, "user.updated", who, "", object{"event": "user.updated", "event_ts": time.Now().UnixMilli(), "payload": payload})
		}
	}
	return *who, nil
}

func (s *Sandbox) adminDeleteMeeting(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Operator string `json:"operator"`
	}
	if r.ContentLength != 0 {
		if err := decode(w, r, &in); err != nil {
			adminFail(w, http.StatusBadRequest, err)
			return
		}
	}
	if err := s.DeleteMeeting(r.PathValue("number"), in.Operator); err != nil {
		adminFail(w, http.StatusNotFound, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
