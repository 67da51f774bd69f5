package zoom_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/provider/zoom"
)

func TestListMeetings(t *testing.T) {
	var asked []string
	tgt, _ := zoomAt(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RequestURI())
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.URL.Path == "/v2/users/me":
			_, _ = io.WriteString(w, `{"id":"KDcuGIm1QgePTO8WbOqwIQ","pmi":2345678901,"email":"a@example.com"}`)
		case r.URL.Query().Get("next_page_token") == "":
			_, _ = io.WriteString(w, `{"next_page_token":"Tva2","meetings":[
				{"id":81234567890,"host_id":"h","type":2,"start_time":"2026-11-28T10:00:00Z","duration":90,"topic":"Secret"},
				{"id":81234567891,"host_id":"other","type":8,"start_time":"2026-11-28T10:00:00Z","duration":60},
				{"id":2345678901,"type":2,"pmi":"2345678901"}]}`)
		default:
			_, _ = io.WriteString(w, `{"next_page_token":"","meetings":[{"id":12},{"topic":"no id"},7,{"id":-81234567892},{"id":"81234567893","type":3}]}`)
		}
	})
	z := zoom.Zoom{}
	who, err := z.MeetingAccount(t.Context(), tgt, tokens())
	if err != nil || who != (provider.MeetingAccount{Subject: "KDcuGIm1QgePTO8WbOqwIQ", Personal: "2345678901"}) {
		t.Errorf("got %+v, %v", who, err)
	}
	first, err := z.ListMeetings(t.Context(), tgt, tokens(), "")
	want := []provider.ListedMeeting{{Number: "81234567890", Host: "h", Ends: time.Date(2026, 11, 28, 11, 30, 0, 0, time.UTC)},
		{Number: "81234567891", Host: "other"}, {Number: "2345678901", Personal: true}}
	if err != nil || first.Next != "Tva2" || !slices.Equal(first.Meetings, want) {
		t.Errorf("got %+v, %v, want %+v", first, err, want)
	}
	second, err := z.ListMeetings(t.Context(), tgt, tokens(), first.Next)
	if err != nil || second.Next != "" || !slices.Equal(second.Meetings, []provider.ListedMeeting{{Number: "81234567893"}}) {
		t.Errorf("got %+v, %v, want the one that has a number", second, err)
	}
	if got := asked[2]; got != "/v2/users/me/meetings?next_page_token=Tva2&page_size=300&type=scheduled" {
		t.Errorf("asked %s", got)
	}
}

func TestListMeetingsErrors(t *testing.T) {
	for body, want := range map[string]lanyard.Code{
		`{"code":4711,"message":"Invalid access token, does not contain scopes:[meeting:read:list_meetings]."}`: lanyard.CodeScopesMissing,
		`{"code":1001,"message":"User does not exist: x."}`:                                                     lanyard.CodeUserNotActive,
		`{"code":300,"message":"The next page token is invalid or expired."}`:                                   lanyard.CodeProviderRefused,
	} {
		tgt, _ := zoomAt(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, body)
		})
		if _, err := (zoom.Zoom{}).ListMeetings(t.Context(), tgt, tokens(), ""); lanyard.CodeOf(err) != want {
			t.Errorf("%s: got %v, want %s", body, err, want)
		}
	}
	for _, body := range []string{``, `{}`, `{"meetings":{}}`, `<html>`, `{"meetings":[{"id":81234567890}]`} {
		tgt, _ := zoomAt(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		if got, err := (zoom.Zoom{}).ListMeetings(t.Context(), tgt, tokens(), ""); lanyard.CodeOf(err) != lanyard.CodeProviderAnswerInvalid {
			t.Errorf("%q: got %+v, %v, want it refused: an empty list would end what is known", body, got, err)
		}
	}
}

func TestReadMeetingNotices(t *testing.T) {
	ends := time.Date(2026, 11, 28, 11, 0, 0, 0, time.UTC)
	const object = `"id":%s,"uuid":"run==","host_id":"host","topic":"Secret","type":2,"start_time":"2026-11-28T10:00:00Z","duration":60`
	n, text := fmt.Sprintf(object, `81234567890`), fmt.Sprintf(object, `"81234567890"`)
	with := func(change provider.MeetingChange, f ...func(*provider.MeetingNotice)) provider.MeetingNotice {
		m := provider.MeetingNotice{Change: change, Number: "81234567890", Run: "run==", Host: "host", Ends: ends}
		for _, g := range f {
			g(&m)
		}
		return m
	}
	who := func(stay, account string) func(*provider.MeetingNotice) {
		return func(m *provider.MeetingNotice) { m.Stay, m.Account = stay, account }
	}
	for name, c := range map[string]struct {
		event, payload string
		want           provider.MeetingNotice
	}{
		"planned by somebody else":      {"meeting.created", `"operator_id":"op","object":{` + n + `}`, with(provider.MeetingPlanned)},
		"recovered":                     {"meeting.recovered", `"operator_id":"op","object":{` + n + `}`, with(provider.MeetingPlanned)},
		"changed, without its host":     {"meeting.updated", `"operator_id":"op","object":{"id":81234567890}`, provider.MeetingNotice{Change: provider.MeetingChanged, Number: "81234567890"}},
		"deleted":                       {"meeting.deleted", `"operator_id":"op","object":{` + n + `}`, with(provider.MeetingDeleted)},
		"one date deleted":              {"meeting.deleted", `"operation":"single","object":{` + n + `,"occurrences":[{"occurrence_id":"1"}]}`, with(provider.MeetingChanged)},
		"all dates deleted":             {"meeting.deleted", `"operation":"all","object":{` + n + `,"occurrences":[{"occurrence_id":"1"}]}`, with(provider.MeetingDeleted)},
		"started":                       {"meeting.started", `"object":{` + text + `}`, with(provider.MeetingStarted)},
		"ended":                         {"meeting.ended", `"object":{` + text + `}`, with(provider.MeetingEnded)},
		"somebody signed in":            {"meeting.participant_joined", `"object":{` + text + `,"participant":{"user_id":"16778240","id":"acc","user_name":"Ana"}}`, with(provider.MeetingJoined, who("16778240", "acc"))},
		"somebody not signed in":        {"meeting.participant_left", `"object":{` + text + `,"participant":{"user_id":"16778240","id":"","user_name":"Ana"}}`, with(provider.MeetingLeft, who("16778240", ""))},
		"named in another place":        {"meeting.participant_left", `"object":{` + text + `,"participant":{"user_id":"16778240","participant_user_id":"acc"}}`, with(provider.MeetingLeft, who("16778240", "acc"))},
		"nobody":                        {"meeting.participant_left", `"object":{` + text + `}`, provider.MeetingNotice{}},
		"no number":                     {"meeting.participant_joined", `"object":{"uuid":"run==","host_id":"host","participant":{"user_id":"1"}}`, provider.MeetingNotice{}},
		"a number of no shape":          {"meeting.started", `"object":{"id":"' OR 1=1","host_id":"host"}`, provider.MeetingNotice{}},
		"another personal meeting":      {"user.updated", `"object":{"id":"acc","pmi":2123456789},"old_object":{"id":"acc","pmi":2345678901}`, provider.MeetingNotice{Change: provider.MeetingPersonal, Number: "2123456789", Former: "2345678901", Host: "acc", Personal: true}},
		"another name of somebody":      {"user.updated", `"object":{"id":"acc","first_name":"Ana"}`, provider.MeetingNotice{}},
		"a length that cannot be":       {"meeting.started", `"object":{` + strings.Replace(text, `:60`, `:99999999`, 1) + `}`, with(provider.MeetingStarted, func(m *provider.MeetingNotice) { m.Ends = time.Time{} })},
		"in the host's personal room":   {"meeting.started", `"object":{` + strings.Replace(text, `"type":2`, `"type":4`, 1) + `}`, with(provider.MeetingStarted, func(m *provider.MeetingNotice) { m.Ends, m.Personal = time.Time{}, true })},
		"about a webinar, not for us":   {"webinar.started", `"object":{` + text + `}`, provider.MeetingNotice{}},
		"about the waiting room":        {"meeting.participant_joined_waiting_room", `"object":{` + text + `}`, provider.MeetingNotice{}},
		"an id with a line break in it": {"meeting.started", `"object":{` + strings.Replace(text, `"host"`, `"ho\nst"`, 1) + `}`, with(provider.MeetingStarted, func(m *provider.MeetingNotice) { m.Host = "" })},
	} {
		got, err := zoom.Zoom{}.ReadNotice([]byte(`{"event":"` + c.event + `","event_ts":1740439732278,"payload":{"account_id":"a",` + c.payload + `}}`))
		if err != nil || got.Meeting != c.want || (got.Effect == provider.NoticeMeeting) != (c.want.Change != "") {
			t.Errorf("%s: got %+v, %v, want %+v", name, got.Meeting, err, c.want)
		}
	}
}
