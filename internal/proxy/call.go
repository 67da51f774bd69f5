package proxy

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/connection"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// call is one call on its way.
type call struct {
	line
	p      lanyard.Principal
	method string
	host   string // that the caller has named
	header http.Header
	body   *outgoing
	limit  int64               // bytes of the answer
	rules  []lanyard.ProxyRule // that let it through

	connected lanyard.Connection
	target    *provider.Target
	token     connection.Token
	base      *url.URL
	url       *url.URL
	twice     bool // with a new token
}

// HostHeader names another of the provider's API hosts than the usual one.
const HostHeader = "Lanyard-Api-Host"

// readCall reads what is asked for; nothing is looked up.
func readCall(p lanyard.Principal, r *http.Request) (*call, error) {
	c := &call{p: p, method: r.Method, header: r.Header, host: strings.ToLower(r.Header.Get(HostHeader))}
	if !slices.Contains(lanyard.ProxyMethods, r.Method) {
		c.method = "other" // methods are the caller's text
		return c, lanyard.Errorf(lanyard.CodeMethodNotAllowed, "the proxy sends on %s", strings.Join(lanyard.ProxyMethods, ", "))
	}
	var err error
	if c.line, err = parseLine(r.RequestURI); err != nil {
		return c, err
	}
	if r.Header.Get("Upgrade") != "" || slices.Contains(connectionNamed(r.Header), "Upgrade") {
		return c, refused("the proxy has no WebSockets and no other upgraded connections")
	}
	return c, nil
}

// resolve finds the connection, whether the rules let the call through, and where it goes.
func (s *Service) resolve(ctx context.Context, c *call) error {
	var a lanyard.App
	var zone string
	rules, people, err := s.rulesOf(ctx, c.p)
	if err != nil {
		return err
	}
	err = s.Store.View(ctx, func(q *store.Query) (err error) {
		find := q.ForToken
		if c.p.Bot != "" {
			find = q.Connection // with whose it is
		}
		if c.connected, _, err = find(c.p.Project, c.connection); err != nil {
			return err
		}
		if err := c.p.Reaches(c.connected.Provider, c.connected.Label); err != nil {
			return err
		}
		if c.p.Bot != "" && !slices.ContainsFunc(people, func(k lanyard.Candidate) bool { return fits(k, c.connected) }) {
			return lanyard.Errorf(lanyard.CodeNotFound, "")
		}
		if len(rules) > 0 { // a day begins where the project is
			pr, err := q.Project(c.p.Project)
			if err != nil {
				return err
			}
			zone = pr.Settings.TimeZone
		}
		a, err = q.App(c.p.Project, c.connected.App)
		return err
	})
	if err != nil {
		return err
	}
	if c.target, err = s.Apps.Providers.Target(a); err != nil {
		return err
	}
	return c.through(rules, now(zone))
}

// rulesOf returns lists of rules, in each of which one has to fit; and, for a bot's own
// key, on whose behalf the bot may call.
func (s *Service) rulesOf(ctx context.Context, p lanyard.Principal) (rules [][]lanyard.ProxyRule, people []lanyard.Candidate, err error) {
	if len(p.Rules) > 0 {
		rules = append(rules, p.Rules)
	}
	if p.Bot == "" {
		return rules, nil, nil
	}
	var own []lanyard.ProxyRule
	if s.Bots != nil {
		if own, people, err = s.Bots.Rules(ctx, p, p.Bot); err != nil {
			return nil, nil, err
		}
	}
	if len(own) == 0 {
		return nil, nil, lanyard.Errorf(lanyard.CodeProxyNotAllowed, "this bot may make no calls through the proxy; it was made without allow.proxy")
	}
	return append(rules, own), people, nil
}

// fits says whether a candidate of a bot is this connection.
func fits(k lanyard.Candidate, c lanyard.Connection) bool {
	switch {
	case k.Connection != "":
		return k.Connection == c.ID
	case k.Person != "":
		return k.Person == c.Person
	case k.Label != "":
		return k.Label == c.Label
	}
	return false // whoever hosts the meeting: the bot learns who it was with its join tokens, and names them by id
}

// through finds the rules for the call, and what they limit.
func (c *call) through(rules [][]lanyard.ProxyRule, now time.Time) error {
	for _, list := range rules {
		rule, ok := lanyard.FitProxy(list, lanyard.ProxyCall{Method: c.method, Host: c.host, Paths: c.readings, Query: c.params}, now)
		if !ok {
			return lanyard.Errorf(lanyard.CodeProxyNotAllowed, "")
		}
		c.rules = append(c.rules, rule)
		if rule.MaxAnswer > 0 {
			c.limit = min(c.limit, rule.MaxAnswer)
		}
	}
	return nil
}

// now is the time in a project's zone; UTC where it has none.
func now(zone string) time.Time {
	at, err := time.LoadLocation(zone)
	if err != nil {
		at = time.UTC
	}
	return time.Now().In(at)
}

// address puts the path under the API's base, and looks again at what has become of it.
func (c *call) address() error {
	base, err := c.target.APIAt(lanyard.TokenSet{APIBase: c.token.APIBase}, c.host)
	if err != nil {
		return err
	}
	whole := strings.TrimRight(base.String(), "/") + c.path
	if c.query != "" {
		whole += "?" + c.query
	}
	u, err := url.Parse(whole)
	if err != nil || u.Scheme != base.Scheme || u.Host != base.Host || u.User != nil || u.Fragment != "" || !c.target.AllowsAPI(u.Scheme+"://"+u.Host) ||
		u.EscapedPath() != strings.TrimRight(base.EscapedPath(), "/")+c.path {
		return refused("the path does not stay where it is put")
	}
	c.base, c.url = base, u
	return nil
}

// do makes the call, and once more with a new token where the provider refuses this one.
func (s *Service) do(ctx context.Context, c *call) (*http.Response, error) {
	var err error
	if c.token, err = s.Connections.Use(ctx, c.p, c.connection, connection.TokenRequest{}); err != nil {
		return nil, err
	}
	resp, err := s.once(ctx, c)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	err = s.Connections.Refused(ctx, c.p, c.connection, c.token.Fingerprint)
	if errors.Is(err, lanyard.Reconnect) {
		_ = resp.Body.Close()
		return nil, err // the person has to do something, and the error says what
	}
	if err != nil || !c.body.again { // the provider's own words say more; a token that is new is there for the next call
		return resp, nil
	}
	_ = resp.Body.Close()
	c.twice = true
	if c.token, err = s.Connections.Use(ctx, c.p, c.connection, connection.TokenRequest{}); err != nil {
		return nil, err
	}
	return s.once(ctx, c)
}

func (s *Service) once(ctx context.Context, c *call) (*http.Response, error) {
	if err := c.address(); err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, c.method, c.url.String(), c.body.reader())
	if err != nil {
		return nil, refused("this is not a request")
	}
	if !c.body.again {
		r.ContentLength = c.body.length
	}
	r.Header = outward(c.header, c.rules)
	r.Header.Set("Authorization", "Bearer "+string(c.token.Access.Reveal()))
	resp, err := s.Out.Open(r)
	if err != nil {
		return nil, s.unreached(ctx, c, err)
	}
	if resp.StatusCode < 200 {
		_ = resp.Body.Close()
		return nil, lanyard.Errorf(lanyard.CodeProviderAnswerInvalid, "%s answers with another protocol than was asked for", c.target.Name)
	}
	return resp, nil
}

// unreached is what a caller hears of a call that has no answer.
func (s *Service) unreached(ctx context.Context, c *call, err error) error {
	if bad := c.body.bad.Load(); bad != nil {
		return bad
	}
	if e, ok := errors.AsType[*lanyard.Error](err); ok { // this server calls no provider at all
		return e
	}
	var net net.Error
	if errors.As(err, &net) && net.Timeout() || errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return lanyard.Errorf(lanyard.CodeProviderTimeout, "%s did not answer in time; whether it has done what was asked is not known", c.target.Name)
	}
	return lanyard.Errorf(lanyard.CodeProviderUnavailable, "%s could not be reached, or hung up", c.target.Name)
}
