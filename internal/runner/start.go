package runner

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"lanyard"
)

// Job is a bot that a runner is to run.
type Job struct {
	Bot        lanyard.BotID
	Dialect    lanyard.Dialect // in whose words it was asked for
	Request    []byte          // as it came, in the words of Dialect or, without one, of the runner; nil: made from the rest
	MeetingURL string
	Name       string
	JoinAt     time.Time // in the past: now
	Metadata   map[string]string
	DedupKey   string
	TokenURLs  map[string]lanyard.Secret // as Needs names them; empty: the request keeps what it came with
	Types      []string                  // of join tokens that the bot may have
	Again      int64                     // how often it was asked for before; a vendor takes each for another bot
	AskedAt    time.Time                 // when this request was made first; zero: now
}

// once is what a vendor knows a request by that must not be done twice.
func (j Job) once(key string) string {
	if j.Again == 0 || key == "" {
		return key
	}
	return key + "-" + strconv.FormatInt(j.Again+1, 10)
}

// Start has a runner run a bot. A vendor is sent the request as it came, with our token
// URLs in place of what it had, or one made from the job; its answer is returned as it is,
// a refusal too. It is sent once: after runner_no_answer a bot may be on its way. A webhook
// is told, and told again under the same id until it takes it; its refusal is an answer.
func (s *Service) Start(ctx context.Context, r lanyard.Runner, j Job) (Answer, error) {
	v, ok := vendorOf(r)
	if !ok {
		return s.tell(ctx, r, j.message(s.PublicURL))
	}
	now := s.Store.Clock()
	if !j.AskedAt.IsZero() {
		now = j.AskedAt
	}
	c, err := v.start(own(r, j), now)
	if err != nil {
		return Answer{}, err
	}
	return s.ask(ctx, r, v, c)
}

// own is the job without a request in another vendor's words.
func own(r lanyard.Runner, j Job) Job {
	if j.Dialect != lanyard.DialectNone && string(j.Dialect) != string(r.Kind) {
		j.Request = nil
	}
	return j
}

// ask makes a request for a bot.
func (s *Service) ask(ctx context.Context, r lanyard.Runner, v vendor, c call) (Answer, error) {
	a, err := s.do(ctx, r, v, c)
	if err == nil && a.OK() {
		a.Ref = plainRef(v.ref(a.Body))
	}
	return a, err
}

// plainRef is a name that a runner has given, if it can be part of a path.
func plainRef(ref string) string {
	if len(ref) > 200 {
		return ""
	}
	if p, err := below(ref); err != nil || p != "/"+url.PathEscape(ref) {
		return ""
	}
	return ref
}

// Seen is how a bot is, by what its runner says.
type Seen struct {
	State     lanyard.BotState // empty: it does not say, or in a word we do not know
	SDK, Code string           // why it failed, as Zoom's Meeting SDK calls it: "web", "4017"
	Message   string
	Raw       string // the runner's own words
}

// Status asks a vendor how a bot is. A webhook is not asked: it reports.
func (s *Service) Status(ctx context.Context, r lanyard.Runner, ref string) (Seen, error) {
	v, ok := vendorOf(r)
	if !ok || ref == "" {
		return Seen{}, nil
	}
	path := v.status(ref)
	if path == "" {
		return Seen{}, nil
	}
	a, err := s.do(ctx, r, v, call{method: http.MethodGet, path: path})
	if err == nil {
		err = a.Err()
	}
	if err != nil {
		return Seen{}, err
	}
	seen, err := v.seen(a.Body)
	seen.Raw = short(seen.Raw)
	return seen, err
}

// short is the beginning of a runner's word: it may end in the log.
func short(s string) string {
	out := []rune{}
	for _, c := range s {
		if c >= ' ' && c <= '~' && len(out) < 100 {
			out = append(out, c)
		}
	}
	return string(out)
}

// Stop takes a bot out of its meeting, or calls it off where it has not joined. The answer
// is the runner's, a refusal too: it may know better whether the bot is in.
func (s *Service) Stop(ctx context.Context, r lanyard.Runner, ref string, joined bool) (Answer, error) {
	v, ok := vendorOf(r)
	if !ok {
		return s.tell(ctx, r, leaveMessage(ref, joined))
	}
	if plainRef(ref) == "" {
		return Answer{}, lanyard.Errorf(lanyard.CodeRunnerRefused, "the runner never said what it calls this bot")
	}
	var a Answer
	for _, c := range v.stop(ref, joined) {
		var err error
		if a, err = s.do(ctx, r, v, c); err != nil || a.OK() {
			return a, err
		}
	}
	return a, nil
}

// Call is a request to a vendor's API in the vendor's words.
type Call struct {
	Method string
	Path   string // below the bot where there is a ref, else below the runner's URL
	Query  url.Values
	Body   []byte
	Header http.Header
}

// Relay passes a call on to the vendor and its answer back, both as they are, but for the
// key, which is the runner's, and headers that are nobody else's business.
func (s *Service) Relay(ctx context.Context, r lanyard.Runner, ref string, c Call) (Answer, error) {
	v, ok := vendorOf(r)
	if !ok {
		return Answer{}, lanyard.Errorf(lanyard.CodeNotFound, "a webhook has no API that a call could be passed on to")
	}
	path, err := below(c.Path)
	if err != nil {
		return Answer{}, err
	}
	if ref != "" {
		if plainRef(ref) == "" {
			return Answer{}, lanyard.Errorf(lanyard.CodeNotFound, "")
		}
		path = joinPath(v.bot(ref), path)
	}
	if len(c.Query) > 0 {
		path += "?" + c.Query.Encode()
	}
	out := call{method: c.Method, path: path, body: c.Body, header: http.Header{}}
	for _, name := range relayed {
		if value := c.Header.Get(name); value != "" {
			out.header.Set(name, value)
		}
	}
	return s.do(ctx, r, v, out)
}

// joinPath puts a path below a bot's: Recall's ends with a slash.
func joinPath(bot, below string) string {
	if below != "" && bot[len(bot)-1] == '/' {
		return bot + below[1:]
	}
	return bot + below
}

// Check asks a runner whether it can be reached and takes its key. Nothing is made there.
func (s *Service) Check(ctx context.Context, p lanyard.Principal, id lanyard.RunnerID) error {
	if err := p.Need(lanyard.ScopeAdmin); err != nil {
		return err
	}
	r, err := s.Find(ctx, p.Project, id)
	if err != nil {
		return err
	}
	v, ok := vendorOf(r)
	if !ok {
		a, err := s.tell(ctx, r, testMessage())
		if err == nil {
			err = a.Err()
		}
		return err
	}
	a, err := s.do(ctx, r, v, call{method: http.MethodGet, path: v.list()})
	if err != nil {
		return fmt.Errorf("ask the runner for its bots: %w", err)
	}
	return a.Err()
}
