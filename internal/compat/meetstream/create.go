package meetstream

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"lanyard"
	"lanyard/internal/bot"
	"lanyard/internal/connection"
	"lanyard/internal/jointoken"
)

// createBot makes a bot. Where MeetStream runs it, the request goes on as it came but for
// where tokens come from, and MeetStream's answer comes back as it is.
func (d *Dialect) createBot(ctx context.Context, p lanyard.Principal, _ *http.Request, raw []byte) (reply, error) {
	o, err := objectOf(raw)
	if err != nil {
		return reply{}, err
	}
	n := bot.New{Dialect: lanyard.DialectMeetStream, Request: raw}
	if n.MeetingURL, err = o.needed("meeting_link"); err != nil {
		return reply{}, err
	}
	if n.Name, err = o.needed("bot_name"); err != nil {
		return reply{}, err
	}
	if n.Metadata, err = o.texts("custom_attributes"); err != nil {
		return reply{}, err
	}
	if n.DedupKey, err = o.text("deduplication_key", "deduplication_key"); err != nil {
		return reply{}, err
	}
	if n.JoinAt, err = o.time("join_at"); err != nil {
		return reply{}, err
	}
	tell, err := o.text("callback_url", "callback_url")
	if err != nil {
		return reply{}, err
	}
	if tell != "" {
		n.Hooks = []bot.Hook{{Field: "callback_url", URL: tell, Format: lanyard.FormatMeetStream}}
	}
	z, err := o.within("zoom")
	if err != nil {
		return reply{}, err
	}
	who, err := d.onBehalf(ctx, p, z, n.MeetingURL)
	if err != nil {
		return reply{}, err
	}
	if who != "" {
		n.Candidates = []bot.Who{{Account: who}}
		n.Allow.Types = []string{jointoken.OnBehalf}
	}
	v, err := d.Bots.Create(ctx, p, n)
	if already, ok := errors.AsType[*lanyard.Error](err); ok && already.Code == lanyard.CodeBotDuplicate {
		return reply{}, d.duplicate(ctx, p, already)
	}
	if err != nil {
		return reply{}, err
	}
	if a, err := v.Passed(lanyard.RunnerMeetStream); err != nil {
		return reply{}, err
	} else if a != nil {
		return passed(*a), nil
	}
	return says(http.StatusCreated, map[string]any{"bot_id": nameOf(v), "transcript_id": nil, "meeting_url": v.Data.MeetingURL, "status": "Active"})
}

// duplicate names the bot that there is, by what it was called when it was made.
func (d *Dialect) duplicate(ctx context.Context, p lanyard.Principal, already *lanyard.Error) error {
	e := &told{status: http.StatusConflict, err: already, text: "A bot with this deduplication_key exists and is not done"}
	if len(already.Choices) == 0 {
		return e
	}
	e.botID = already.Choices[0]
	if v, err := d.Bots.Get(ctx, p.Also(lanyard.ScopeRead), e.botID); err == nil {
		e.botID = nameOf(v)
	}
	return e
}

// onBehalf reads the member zoom: the Zoom user on whose behalf the bot joins, who is
// connected and can be used; "" where it joins as a guest or with the customer's own tokens.
func (d *Dialect) onBehalf(ctx context.Context, p lanyard.Principal, z object, link string) (string, error) {
	if err := ownServers(z); err != nil {
		return "", err
	}
	if !z.has("use_zoom_obf") {
		return "", nil
	}
	var use bool
	if json.Unmarshal(z["use_zoom_obf"], &use) != nil {
		return "", invalid("zoom.use_zoom_obf is invalid: it must be a JSON boolean, true or false")
	}
	if !use {
		return "", nil
	}
	if z.has("obf_url") || z.has("zak_url") {
		return "", invalid("zoom.obf_url and zoom.zak_url must not be sent together with zoom.use_zoom_obf")
	}
	who, err := z.text("zoom_oauth_connection_user_id", "zoom.zoom_oauth_connection_user_id")
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(who) == "" {
		return "", invalid("zoom.zoom_oauth_connection_user_id is required when zoom.use_zoom_obf=true")
	}
	if at, _, err := d.Meetings.Find("", link, ""); errors.Is(err, lanyard.CodeInvalidMeetingLink) || err == nil && at != provider {
		return "", invalid("zoom.use_zoom_obf is only for Zoom links; use a Zoom meeting_link")
	} else if err != nil {
		return "", err
	}
	return who, d.connected(ctx, p, who)
}

// connected refuses a Zoom user on whose behalf nobody can join, in MeetStream's sentences.
func (d *Dialect) connected(ctx context.Context, p lanyard.Principal, who string) error {
	p = p.Also(lanyard.ScopeRead) // to look at the connection; what is said of it the guide says, too
	held, err := d.held(ctx, p, who)
	if err != nil {
		return err
	}
	refused := func(text string, code lanyard.Code) error {
		return &told{status: http.StatusBadRequest, text: text, err: lanyard.Errorf(code, "")}
	}
	switch {
	case len(held) == 0:
		some, err := d.anybody(ctx, p)
		if err != nil {
			return err
		}
		if !some {
			return refused("No Zoom users connected for this account", lanyard.CodeNotFound)
		}
		return refused("Zoom user "+named(who)+" is not connected for this account", lanyard.CodeNotFound)
	case held[0].State == lanyard.Paused:
		return refused("Zoom user "+named(who)+" is paused", lanyard.CodeConnectionPaused)
	case !usable(held[0]):
		err := lanyard.Errorf(lanyard.CodeNeedsReauth, "")
		if held[0].State == lanyard.Live { // what has ended at Zoom is connected anew, by the customer's flow
			err.ReconnectURL = d.Connections.ReconnectURL(held[0].Connection)
		}
		return &told{status: http.StatusBadRequest, text: "Zoom user " + named(who) + " is disconnected (no valid refresh token)", err: err}
	}
	return nil
}

// anybody says whether somebody is connected at Zoom at all, as far as the key reaches.
func (d *Dialect) anybody(ctx context.Context, p lanyard.Principal) (bool, error) {
	for page := (lanyard.Page{Limit: 50}); ; {
		views, next, err := d.Connections.List(ctx, p, lanyard.ConnectionFilter{Provider: provider}, page)
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(views, func(v connection.View) bool { return v.State != lanyard.Revoked }) {
			return true, nil
		}
		if page.Cursor = next; next == "" {
			return false, nil
		}
	}
}

// ownServers checks the customer's own token server, of which there may be one.
func ownServers(z object) error {
	for _, name := range []string{"zak_url", "obf_url"} {
		if !z.has(name) {
			continue
		}
		at, err := z.text(name, "zoom."+name)
		if err != nil {
			return err
		}
		below, https := strings.CutPrefix(at, "https://")
		host, _, _ := strings.Cut(strings.NewReplacer("?", "/", "#", "/").Replace(below), "/")
		switch {
		case utf8.RuneCountInString(at) > 4096:
			return invalid("zoom.%s must have at most 4096 characters", name)
		case !https:
			return invalid("zoom.%s must use https", name)
		case host == "" || strings.ContainsFunc(host, unicode.IsSpace):
			return invalid("zoom.%s must include a host", name)
		}
	}
	if z.has("zak_url") && z.has("obf_url") {
		return invalid("Pass only one of zoom.zak_url or zoom.obf_url")
	}
	return nil
}

// time reads a time; zero where there is none. Without a zone it is UTC.
func (o object) time(name string) (time.Time, error) {
	s, err := o.text(name, name)
	if s == "" || err != nil {
		return time.Time{}, err
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05", "2006-01-02T15:04"} {
		if at, err := time.Parse(layout, s); err == nil {
			return at, nil
		}
	}
	return time.Time{}, invalid("%s must be a time such as 2027-01-31T09:30:00Z", name)
}
