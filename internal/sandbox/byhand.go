package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// formRoutes is what people do on the pages: what the admin API does, as forms
// that lead back to the page they were on.
func (s *Sandbox) formRoutes() http.Handler {
	mux := http.NewServeMux()
	form := func(path string, do func(r *http.Request) (back string, err error)) {
		mux.HandleFunc("POST /do/"+path, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			back, err := do(r)
			if err != nil {
				s.page(w, http.StatusUnprocessableEntity, "wrong.html", map[string]any{"ProviderName": "providers", "Title": "That did not work", "Text": upper(err.Error()) + "."})
				return
			}
			http.Redirect(w, r, back, http.StatusSeeOther)
		})
	}
	form("meetings", func(r *http.Request) (string, error) {
		m, err := s.CreateMeeting(r.FormValue("host"), strings.TrimSpace(r.FormValue("topic")), "")
		return "/zoom/meetings/" + m.Number, err
	})
	for name, present := range map[string]bool{"present": true, "absent": false} {
		form("meetings/{number}/"+name, func(r *http.Request) (string, error) {
			m, err := s.SetPresent(r.PathValue("number"), r.FormValue("person"), present)
			return "/zoom/meetings/" + m.Number, err
		})
	}
	form("revoke", func(r *http.Request) (string, error) {
		_, err := s.Revoke(Target{Provider: r.FormValue("provider"), Client: r.FormValue("client_id"), Person: r.FormValue("person")})
		return "/#apps", err
	})
	return mux
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// index is the page of everything: meetings, who uses which app, and where the providers are.
func (s *Sandbox) index(w http.ResponseWriter, _ *http.Request) {
	type meetingRow struct {
		Number, Topic, Host string
		Running             bool
		People              []*Person
		Bots                int
	}
	var meetings []meetingRow
	for _, m := range s.byAge() {
		row := meetingRow{m.number, m.topic, m.host.Name(), m.status() == "started", m.present, 0}
		for _, b := range m.bots {
			if b.ended == "" {
				row.Bots++
			}
		}
		meetings = append(meetings, row)
	}
	slices.Reverse(meetings) // the newest is what is looked for
	type appRow struct {
		Provider, ProviderName, Client, App, Handle, Name string
		Since                                             time.Time
	}
	var apps []appRow
	for _, g := range s.grants {
		if g.ended != "" || g.person == nil || slices.ContainsFunc(apps, func(a appRow) bool {
			return a.Provider == g.client.Provider && a.Client == g.client.ID && a.Handle == g.person.Handle
		}) {
			continue
		}
		apps = append(apps, appRow{g.client.Provider, s.providers[g.client.Provider].name, g.client.ID, g.client.Name, g.person.Handle, g.person.Name(), g.created.UTC()})
	}
	type providerRow struct{ ID, Name string }
	var providers []providerRow
	for _, id := range s.order {
		providers = append(providers, providerRow{id, s.providers[id].name})
	}
	s.page(w, http.StatusOK, "index.html", map[string]any{"ProviderName": "providers", "Base": s.base, "Providers": providers,
		"Meetings": meetings, "Apps": apps, "People": active(s.providers[Zoom].people)})
}

func active(people []*Person) []*Person {
	return slices.DeleteFunc(slices.Clone(people), func(p *Person) bool { return p.Status != "active" })
}

// meetingPage shows a meeting to a person, or as JSON to whoever asks for it.
func (s *Sandbox) meetingPage(w http.ResponseWriter, r *http.Request) {
	number := r.PathValue("number")
	m := s.meetings[number]
	asJSON := strings.Contains(r.Header.Get("Accept"), "application/json")
	switch {
	case m == nil && asJSON:
		zoomFail(w, http.StatusNotFound, 3001, "Meeting does not exist: "+number+".")
		return
	case m == nil:
		s.page(w, http.StatusNotFound, "wrong.html", map[string]any{"Provider": Zoom, "ProviderName": "Zoom", "Title": "No such meeting",
			"Text": fmt.Sprintf("Meeting does not exist: %s.", number), "Note": "Meetings are in memory, and gone when the sandbox ends."})
		return
	case asJSON:
		writeJSON(w, http.StatusOK, s.view(m))
		return
	}
	type personRow struct {
		*Person
		There, Host bool
	}
	var people []personRow
	for _, p := range s.providers[Zoom].people {
		if m.has(p) || p.Status == "active" {
			people = append(people, personRow{p, m.has(p), p == m.host})
		}
	}
	type botRow struct {
		Name, Authorized, Status string
		Recording, Gone          bool
	}
	stay := map[string]string{
		"": "in the meeting", "left": "has left",
		"authorized_user_left": "thrown out: the person left", "authorization_revoked": "thrown out: no longer authorized",
	}
	var bots []botRow
	for i, b := range s.view(m).Bots {
		bots = append(bots, botRow{b.Name, m.bots[i].person.Name(), stay[b.Reason], b.Recording, b.Reason != ""})
	}
	s.page(w, http.StatusOK, "meeting.html", map[string]any{
		"Provider": Zoom, "ProviderName": "Zoom", "Topic": m.topic, "Number": m.number, "Host": m.host.Name(),
		"Running": m.status() == "started", "People": people, "Bots": bots, "Refused": s.turnedAway(number),
	})
}

// turned is a bot that was not let in, for the meeting's page.
type turned struct {
	At  time.Time
	Why string
}

var whyRefused = map[string]string{
	"authorized_user_not_in_meeting": "The person who authorized it was not in the meeting.",
	"token_used":                     "Its token was used before.",
	"token_expired":                  "Its token had expired.",
	"token_invalid":                  "Its token was not valid, or the authorization behind it had ended.",
	"meeting_mismatch":               "Its token was made for another meeting.",
	"meeting_not_started":            "The meeting had not started.",
	"authentication_required":        "It had no token.",
	"on_behalf_conflict":             "It had two tokens that exclude each other.",
}

// turnedAway lists the last bots that were not let in, newest first.
func (s *Sandbox) turnedAway(number string) (out []turned) {
	l := &s.ledger
	for i := len(l.entries) - 1; i >= 0 && len(out) < 3; i-- {
		if e := l.entries[(l.start+i)%len(l.entries)]; e.Event == "join_refused" && e.Meeting == number {
			why := whyRefused[e.Detail]
			if why == "" {
				why = strings.ReplaceAll(e.Detail, "_", " ")
			}
			out = append(out, turned{e.Time, why})
		}
	}
	return out
}
