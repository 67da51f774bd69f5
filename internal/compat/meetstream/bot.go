package meetstream

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/bot"
	"lanyard/internal/runner"
)

// nameOf is what the customer knows a bot by: MeetStream's id where it runs the bot.
func nameOf(v bot.View) string {
	if v.Kind == lanyard.RunnerMeetStream && v.Ref != "" {
		return v.Ref
	}
	return string(v.ID)
}

// theirs says whether MeetStream runs the bot, and so knows more of it than we do.
func theirs(v bot.View) bool { return v.Kind == lanyard.RunnerMeetStream && v.Ref != "" }

// words are MeetStream's for the states.
var words = map[lanyard.BotState]string{
	lanyard.BotScheduled: "Scheduled", lanyard.BotReady: "Active", lanyard.BotJoining: "Joining", lanyard.BotWaitingForPerson: "Joining",
	lanyard.BotWaitingRoom: "InWaitingRoom", lanyard.BotJoined: "InMeeting", lanyard.BotLeft: "Stopped", lanyard.BotFailed: "Error",
	lanyard.BotCancelled: "Stopped",
}

// listed is a bot in a list.
type listed struct {
	ID         string            `json:"bot_id"`
	Name       string            `json:"bot_name"`
	Link       string            `json:"meeting_url"`
	Platform   string            `json:"platform,omitempty"`
	Status     string            `json:"status"`
	Attributes map[string]string `json:"custom_attributes"`
	JoinAt     time.Time         `json:"join_at"`
	CreatedAt  time.Time         `json:"created_at"`
}

func listedOf(v bot.View) listed {
	return listed{ID: nameOf(v), Name: v.Data.Name, Link: v.Data.MeetingURL, Platform: platform(v), Status: words[v.State], Attributes: attributes(v),
		JoinAt: v.JoinAt.UTC(), CreatedAt: v.CreatedAt.UTC()}
}

func attributes(v bot.View) map[string]string {
	if v.Metadata == nil {
		return map[string]string{}
	}
	return v.Metadata
}

// platform is MeetStream's word for whose meeting it is.
func platform(v bot.View) string {
	link := v.Data.MeetingURL
	switch {
	case v.Provider == provider:
		return "Zoom"
	case strings.Contains(link, "meet.google.com/"):
		return "GMeet"
	case strings.Contains(link, "teams.microsoft.com/") || strings.Contains(link, "teams.live.com/"):
		return "Teams"
	}
	return ""
}

// mostAttributes is by how many a list is narrowed: each is a condition of one query.
const mostAttributes = 20

// bots lists those that were made here, the newest first.
func (d *Dialect) bots(ctx context.Context, p lanyard.Principal, r *http.Request, _ []byte) (reply, error) {
	q := r.URL.Query()
	f, err := filterOf(q)
	if err != nil {
		return reply{}, err
	}
	wanted := q.Get("platform")
	if wanted != "" && !slices.Contains([]string{"GMeet", "Zoom", "Teams"}, wanted) {
		return reply{}, invalid("platform must be one of GMeet, Zoom, Teams")
	}
	page := lanyard.Page{Limit: 50, Cursor: q.Get("cursor")}
	if page.Cursor != "" && !lanyard.ValidID("bot_", page.Cursor) {
		return reply{}, invalid("cursor must be the nextCursor of the page before")
	}
	if n, err := strconv.Atoi(q.Get("limit")); err == nil && n > 0 {
		page.Limit = min(n, 100)
	}
	views, next, err := d.Bots.List(ctx, p, f, page)
	if err != nil {
		return reply{}, err
	}
	out := []listed{}
	for _, v := range views {
		if l := listedOf(v); wanted == "" || l.Platform == wanted {
			out = append(out, l)
		}
	}
	var cursor *string
	if next != "" {
		cursor = &next
	}
	return says(http.StatusOK, map[string]any{"bots": out, "hasNextPage": next != "", "nextCursor": cursor})
}

// filterOf reads by what a list is narrowed in the store.
func filterOf(q url.Values) (f lanyard.BotFilter, err error) {
	f.Metadata = map[string]string{}
	for name, values := range q {
		if key, ok := strings.CutPrefix(name, "custom_attr["); ok && strings.HasSuffix(key, "]") {
			f.Metadata[strings.TrimSuffix(key, "]")] = values[0]
		}
	}
	if len(f.Metadata) > mostAttributes {
		return f, invalid("custom_attr: at most %d of them", mostAttributes)
	}
	if word := q.Get("status"); word != "" {
		for state, is := range words {
			if strings.EqualFold(is, word) {
				f.States = append(f.States, state)
			}
		}
		if f.States == nil {
			return f, invalid("status must be one of %s", strings.Join(slices.Compact(slices.Sorted(maps.Values(words))), ", "))
		}
	}
	if f.From, err = moment(q.Get("from"), "from"); err == nil {
		f.To, err = moment(q.Get("to"), "to")
	}
	return f, err
}

// moment reads a time or a day of a query.
func moment(s, name string) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, s); err == nil {
		return day, nil
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return time.Time{}, err
	}
	return object{name: raw}.time(name)
}

func (d *Dialect) status(ctx context.Context, p lanyard.Principal, r *http.Request, _ []byte) (reply, error) {
	v, err := d.Bots.Get(ctx, p, r.PathValue("id"))
	if err != nil {
		return reply{}, err
	}
	if theirs(v) {
		return d.onward(ctx, p, v, r, nil)
	}
	return says(http.StatusOK, map[string]any{"bot_id": nameOf(v), "status": words[v.State], "custom_attributes": attributes(v)})
}

// moved is one line of a bot's time line.
type moved struct {
	Status  string    `json:"status"`
	At      time.Time `json:"timestamp"`
	Message string    `json:"message,omitempty"`
	Code    string    `json:"code,omitempty"`
}

func (d *Dialect) detail(ctx context.Context, p lanyard.Principal, r *http.Request, _ []byte) (reply, error) {
	v, err := d.Bots.Get(ctx, p, r.PathValue("id"))
	if err != nil {
		return reply{}, err
	}
	if theirs(v) {
		return d.onward(ctx, p, v, r, nil)
	}
	asked, err := d.Bots.Requested(ctx, p, string(v.ID))
	if err != nil {
		return reply{}, err
	}
	if !json.Valid(asked) || v.Dialect != lanyard.DialectMeetStream {
		asked = nil
	}
	line := []moved{}
	for _, s := range v.Steps {
		m := moved{Status: words[s.State], At: s.At.UTC(), Code: string(s.Code)}
		if s.Code != "" {
			m.Message = lanyard.RowOf(s.Code).Happened
		} else if s.State == lanyard.BotWaitingForPerson {
			m.Message = "Waiting for the person on whose behalf it joins"
		}
		line = append(line, m)
	}
	return says(http.StatusOK, map[string]any{"bot_details": map[string]any{"bot_id": nameOf(v), "bot_name": v.Data.Name, "meeting_url": v.Data.MeetingURL,
		"platform": platform(v), "status": words[v.State], "custom_attributes": attributes(v), "join_at": v.JoinAt.UTC(), "created_at": v.CreatedAt.UTC(),
		"transcript_id": nil, "RequestPayload": json.RawMessage(orNull(asked)), "StatusTimeline": line}})
}

func orNull(raw []byte) []byte {
	if raw == nil {
		return []byte("null")
	}
	return raw
}

// remove takes a bot out of its meeting, or calls it off where it is not in yet.
func (d *Dialect) remove(ctx context.Context, p lanyard.Principal, r *http.Request, _ []byte) (reply, error) {
	v, err := d.Bots.Get(ctx, p.Also(lanyard.ScopeRead), r.PathValue("id"))
	if err != nil {
		return reply{}, err
	}
	switch {
	case v.State.Over():
		return message("The bot is not in a meeting any more.")
	case v.State.Inside():
		v, err = d.Bots.Leave(ctx, p, string(v.ID))
	default:
		v, err = d.Bots.Cancel(ctx, p, string(v.ID))
	}
	if err != nil {
		return reply{}, err
	}
	if a, err := v.Passed(lanyard.RunnerMeetStream); err != nil {
		return reply{}, err
	} else if a != nil {
		return passed(*a), nil
	}
	return message("Bot removed.")
}

// delete forgets a bot; what MeetStream keeps of one that it ran, there first.
func (d *Dialect) delete(ctx context.Context, p lanyard.Principal, r *http.Request, _ []byte) (reply, error) {
	v, err := d.Bots.Get(ctx, p.Also(lanyard.ScopeRead), r.PathValue("id"))
	if err != nil {
		return reply{}, err
	}
	if theirs(v) && v.State.Over() {
		a, err := d.onward(ctx, p, v, r, nil)
		if err != nil || a.status >= 300 && a.status != http.StatusNotFound {
			return a, err
		}
	}
	if err := d.Bots.Delete(ctx, p, string(v.ID)); err != nil {
		return reply{}, err
	}
	return message("Bot data deleted.")
}

// passed is a vendor's answer as it came.
func passed(a runner.Answer) reply {
	return reply{status: a.Status, header: a.Header, body: a.Body}
}
