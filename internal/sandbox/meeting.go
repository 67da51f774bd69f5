package sandbox

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"time"
)

var meetingNumber = regexp.MustCompile(`^[0-9]{6,12}$`)

// meeting is a pretend Zoom meeting: people come and go, and bots come only with somebody.
type meeting struct {
	number, uuid string
	topic        string
	host         *Person
	created      time.Time
	present      []*Person
	bots         []*attendant
}

// attendant is a bot that was let in.
type attendant struct {
	id        string
	name      string
	person    *Person // on whose behalf
	grant     *grant
	asPerson  bool // came in with a ZAK
	recording bool
	joined    time.Time
	ended     string // why it is gone
}

// Meeting is what the outside sees of a meeting.
type Meeting struct {
	Number  string   `json:"number"`
	Topic   string   `json:"topic"`
	Host    string   `json:"host"` // handle
	Status  string   `json:"status"`
	JoinURL string   `json:"join_url"`
	Present []string `json:"present"` // handles
	Bots    []Bot    `json:"bots"`
}

// Bot is a bot that is or was in a meeting.
type Bot struct {
	ParticipantID string    `json:"participant_id"`
	Name          string    `json:"bot_name"`
	Person        string    `json:"person"` // handle of who brought it
	Client        string    `json:"client_id"`
	Status        string    `json:"status"`           // in_meeting, ended
	Reason        string    `json:"reason,omitempty"` // left, authorized_user_left, authorization_revoked
	Recording     bool      `json:"recording"`
	JoinedAt      time.Time `json:"joined_at"`
}

func (m *meeting) status() string {
	if len(m.present) > 0 || slices.ContainsFunc(m.bots, func(b *attendant) bool { return b.ended == "" }) {
		return "started"
	}
	return "waiting"
}

func (s *Sandbox) view(m *meeting) Meeting {
	v := Meeting{Number: m.number, Topic: m.topic, Host: m.host.Handle, Status: m.status(), JoinURL: s.base + "/zoom/j/" + m.number, Present: []string{}, Bots: []Bot{}}
	for _, p := range m.present {
		v.Present = append(v.Present, p.Handle)
	}
	for _, b := range m.bots {
		one := Bot{ParticipantID: b.id, Name: b.name, Person: b.person.Handle, Client: b.grant.client.ID, Status: "in_meeting", Recording: b.recording, JoinedAt: b.joined.UTC()}
		if b.ended != "" {
			one.Status, one.Reason = "ended", b.ended
		}
		v.Bots = append(v.Bots, one)
	}
	return v
}

// CreateMeeting schedules a meeting; number may be empty, and is then made up. The host is a handle, id or e-mail address.
func (s *Sandbox) CreateMeeting(host, topic, number string) (Meeting, error) {
	return s.PlanMeeting(Plan{Host: host, Topic: topic, Number: number})
}

// Plan is a meeting that somebody makes.
type Plan struct {
	Host     string `json:"host"`
	Operator string `json:"operator,omitempty"` // who makes it; "": the host
	Topic    string `json:"topic"`
	Number   string `json:"number"`
}

// PlanMeeting is CreateMeeting, by anybody.
func (s *Sandbox) PlanMeeting(plan Plan) (Meeting, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	who, topic, number := s.providers[Zoom].person(plan.Host), plan.Topic, plan.Number
	if who == nil {
		return Meeting{}, fmt.Errorf("nobody is called %q", plan.Host)
	}
	by := who
	if plan.Operator != "" {
		if by = s.providers[Zoom].person(plan.Operator); by == nil {
			return Meeting{}, fmt.Errorf("nobody is called %q", plan.Operator)
		}
	}
	if number == "" {
		n, _ := rand.Int(rand.Reader, big.NewInt(90_000_000_000)) // never fails, as above
		number = n.Add(n, big.NewInt(10_000_000_000)).String()
	}
	if !meetingNumber.MatchString(number) {
		return Meeting{}, fmt.Errorf("meeting number %q: give 6 to 12 digits", number)
	}
	if s.meetings[number] != nil {
		return Meeting{}, fmt.Errorf("meeting %s exists already", number)
	}
	if topic == "" {
		topic = who.First + "'s meeting"
	}
	id := sha256Sum("meeting " + number)
	m := &meeting{number: number, uuid: base64.StdEncoding.EncodeToString(id[:16]), topic: topic, host: who, created: time.Now()}
	s.meetings[number] = m
	s.tellMeeting("meeting.created", m, operator(by), nil)
	return s.view(m), nil
}

// Meeting returns a meeting by number.
func (s *Sandbox) Meeting(number string) (Meeting, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.meetings[number]
	if m == nil {
		return Meeting{}, false
	}
	return s.view(m), true
}

// Meetings lists all meetings, oldest first.
func (s *Sandbox) Meetings() []Meeting {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Meeting{}
	for _, m := range s.byAge() {
		out = append(out, s.view(m))
	}
	return out
}

func (s *Sandbox) byAge() []*meeting {
	all := make([]*meeting, 0, len(s.meetings))
	for _, m := range s.meetings {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *meeting) int { return a.created.Compare(b.created) })
	return all
}

// SetPresent lets a person enter or leave. Whoever leaves takes along the bots that came on their behalf.
func (s *Sandbox) SetPresent(number, person string, present bool) (Meeting, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.meetings[number]
	if m == nil {
		return Meeting{}, fmt.Errorf("there is no meeting %s", number)
	}
	who := s.providers[Zoom].person(person)
	if who == nil {
		return Meeting{}, fmt.Errorf("nobody is called %q", person)
	}
	if there := slices.Contains(m.present, who); there == present {
		return s.view(m), nil
	}
	e := Entry{Event: "present", Provider: Zoom, Person: who.Handle, Meeting: number}
	if present {
		if m.status() == "waiting" {
			s.tellMeeting("meeting.started", m, nil, nil)
		}
		m.present = append(m.present, who)
		s.ledger.add(e)
		s.tellMeeting("meeting.participant_joined", m, nil, personObject(who, "join_time"))
		return s.view(m), nil
	}
	e.Event = "absent"
	m.present = slices.DeleteFunc(m.present, func(p *Person) bool { return p == who })
	s.ledger.add(e)
	s.tellMeeting("meeting.participant_left", m, nil, personObject(who, "leave_time"))
	for _, b := range m.bots {
		if b.person == who && b.ended == "" && !b.asPerson {
			s.eject(m, b, "authorized_user_left")
		}
	}
	if m.status() == "waiting" {
		s.tellMeeting("meeting.ended", m, nil, nil)
	}
	return s.view(m), nil
}

// eject ends a bot's stay.
func (s *Sandbox) eject(m *meeting, b *attendant, why string) {
	b.ended = why
	event := "thrown_out"
	if why == "left" {
		event = "left"
	}
	s.noteGrant(Entry{Event: event, Kind: "bot", Meeting: m.number, Detail: why}, b.grant)
	s.tellMeeting("meeting.participant_left", m, nil, botObject(b, "leave_time"))
}
