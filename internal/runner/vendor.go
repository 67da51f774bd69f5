package runner

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"lanyard"
)

// defaultName is shown in the meeting where nobody has named the bot; every vendor needs one.
const defaultName = "Notetaker"

// call is one request to a runner's API, by its path below the runner's URL.
type call struct {
	method, path string
	header       http.Header
	body         []byte
}

// vendor is how one bot vendor is spoken to.
type vendor interface {
	base() string                             // where its API is, unless the runner says otherwise
	authorize(h http.Header, key string)      // with the customer's key
	start(j Job, now time.Time) (call, error) // asks for a bot, with our token URLs as the only source of Zoom's tokens
	ref(answer []byte) string                 // what it calls the bot it has made; empty: the answer does not say
	bot(ref string) string                    // the path of a bot
	list() string                             // a path that any valid key may read
	status(ref string) string                 // the path that says how a bot is
	seen(answer []byte) (Seen, error)         // what that says, in our words
	stop(ref string, joined bool) []call      // takes a bot out, or calls it off: the first that is not refused
}

// vendors are those that there are. Of Meeting BaaS this is the current version.
var vendors = map[lanyard.RunnerKind]vendor{
	lanyard.RunnerAttendee:    attendee{},
	lanyard.RunnerMeetStream:  meetstream{},
	lanyard.RunnerRecall:      recall{},
	lanyard.RunnerMeetingBaaS: baas{},
}

// vendorOf is how a runner is spoken to; false: it is a webhook.
func vendorOf(r lanyard.Runner) (vendor, bool) {
	v, ok := vendors[r.Kind]
	if u, err := url.Parse(r.URL); r.Kind == lanyard.RunnerMeetingBaaS && err == nil && !strings.HasSuffix(u.Path, "/v2") {
		v = baasV1{}
	}
	return v, ok
}

// token puts the "Token" scheme on a call, which three of the four use.
func token(h http.Header, key string) { h.Set("Authorization", "Token "+key) }

// text is a change to a string, or to nothing where it is empty.
func text(name, value string) change {
	if value == "" {
		return change{name: name}
	}
	return change{name: name, to: value}
}

// dict is a change to an object of strings, or to nothing where it is empty.
func dict(name string, value map[string]string) change {
	if len(value) == 0 {
		return change{name: name}
	}
	return change{name: name, to: value}
}

// oneOf chooses the token URL by which a bot joins: on behalf of somebody, else as somebody
// (Zoom takes one or the other, never both). Exactly one of the two is not empty, or none.
func oneOf(j Job) (onbehalf, zak string) {
	if u := j.url("onbehalf"); u != "" {
		return u, ""
	}
	return "", j.url("zak")
}

// url is the job's token URL of this type.
func (j Job) url(kind string) string {
	u, ok := j.TokenURLs[kind]
	if !ok || u.Empty() {
		return ""
	}
	return string(u.Reveal())
}

// body is what a vendor is sent: the request as it came, or one made of made, with the
// members that say where tokens come from changed. Without a token URL of ours a request
// keeps what it came with.
func (j Job) body(made, tokens []change) ([]byte, error) {
	text := j.Request
	if text == nil {
		var err error
		if text, err = edit([]byte("{}"), made); err != nil {
			return nil, err
		}
	}
	if len(j.TokenURLs) == 0 {
		_, err := membersOf(text)
		return text, err
	}
	return edit(text, tokens)
}

// later is the bot's hour where that is still to come, as every vendor takes it; empty: now.
func (j Job) later(now time.Time) string {
	if !j.JoinAt.After(now) {
		return ""
	}
	return j.JoinAt.UTC().Format("2006-01-02T15:04:05Z")
}

func (j Job) name() string {
	if j.Name == "" {
		return defaultName
	}
	return j.Name
}

// post is a call with a JSON body.
func post(path string, body []byte) call {
	return call{method: http.MethodPost, path: path, body: body, header: http.Header{"Content-Type": {"application/json"}}}
}
