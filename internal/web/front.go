package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"lanyard"
)

// Access says who asks; package access does it.
type Access interface {
	// Authenticate returns who the credential stands for, with the origin and id
	// of the request. It reads nothing durable for a credential that this server
	// did not issue, and writes nothing. With an error, a principal whose Key is
	// set is a caller we know and refuse.
	Authenticate(ctx context.Context, credential lanyard.Secret, o lanyard.Origin, requestID string) (lanyard.Principal, error)
	// Denied writes that p was refused at this route, and why, into the audit
	// log; it returns when that is durable.
	Denied(ctx context.Context, p lanyard.Principal, route string, why error) error
}

// Answers remembers what a caller was answered under an Idempotency-Key, for 24
// hours by (project, key, route); package access does it.
type Answers interface {
	// Claim returns status 0 if the call is ours to run, and otherwise what was
	// answered before. request is a hash of the request. CodeIdempotencyKeyReused
	// if it was another, CodeIdempotencyInProgress if it is still running.
	Claim(ctx context.Context, p lanyard.Principal, route, key string, request []byte) (claim string, status int, body []byte, err error)
	// Keep stores the answer; Release forgets the claim, so that the next try runs.
	Keep(ctx context.Context, p lanyard.Principal, claim string, status int, body []byte) error
	Release(ctx context.Context, p lanyard.Principal, claim string) error
}

// Config is what New needs.
type Config struct {
	PublicURL string  // where people reach us: "https://connect.example.com", no slash at the end
	Proxies   Proxies // reverse proxies that are believed
	Limits    Limits
	Access    Access
	Answers   Answers
	Logger    *slog.Logger
	Version   string                                                     // for the OpenAPI document
	Observe   func(method, route string, status int, took time.Duration) // for metrics; nil: nobody
}

// Front is what the fronts of one server share, and the router they register on.
type Front struct {
	Cookies Cookies

	publicURL string
	https     bool
	proxies   Proxies
	access    Access
	answers   Answers
	log       *slog.Logger
	observe   func(method, route string, status int, took time.Duration)

	mux    *http.ServeMux
	raw    []raw
	huma   huma.API
	cross  *http.CrossOriginProtection
	keys   *Buckets
	opens  *Buckets
	denied *Buckets
	failed *failures
}

// New returns a Front without routes.
func New(c Config) (*Front, error) {
	u, err := url.Parse(c.PublicURL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("web: the public URL is not an absolute http or https URL")
	case u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return nil, errors.New("web: the public URL must be scheme and host only, without a slash at the end")
	case c.Access == nil || c.Answers == nil || c.Logger == nil:
		return nil, errors.New("web: Access, Answers and Logger are needed")
	}
	replaceHumaErrors()
	f := &Front{
		Cookies:   Cookies{Secure: u.Scheme == "https"},
		publicURL: c.PublicURL, https: u.Scheme == "https", proxies: c.Proxies,
		access: c.Access, answers: c.Answers, log: c.Logger, observe: c.Observe,
		mux: http.NewServeMux(), cross: http.NewCrossOriginProtection(),
		keys:   NewBuckets(c.Limits.KeyPerSecond, time.Second),
		opens:  NewBuckets(c.Limits.OpensPerMinute, time.Minute),
		denied: NewBuckets(1, time.Minute),
		failed: newFailures(c.Limits.FailedPerMinute),
	}
	f.huma = humago.New(f.mux, humaConfig(c.PublicURL, c.Version))
	return f, nil
}

// PublicURL returns where people reach us, without a slash at the end.
func (f *Front) PublicURL() string { return f.publicURL }

// Handle registers a handler that does everything itself: the shapes of
// vendors, hooks, health. It has the caps and headers of Handler, no more.
func (f *Front) Handle(pattern string, h http.Handler) { f.mux.Handle(pattern, h) }

// raw is a handler of everything below a prefix.
type raw struct {
	prefix, pattern string
	handler         http.Handler
}

// HandleRaw registers a handler of everything whose path begins with prefix, in whatever
// form it came: nothing is cleaned, nothing is redirected, and bodies, compressed ones
// too, have no caps but the handler's. pattern is what logs call it.
func (f *Front) HandleRaw(prefix, pattern string, h http.Handler) {
	f.raw = append(f.raw, raw{prefix, pattern, h})
}

// Page registers a handler of pages for browsers: a POST that comes from
// another site is refused (CSRF). What a provider may post across sites, such
// as a callback by form, is registered with Handle and has its own proof.
func (f *Front) Page(pattern string, h http.Handler) { f.mux.Handle(pattern, f.cross.Handler(h)) }

// TakeOpen counts one opening of an invitation; an error is CodeRateLimited.
func (f *Front) TakeOpen(invitation string) error {
	if wait, ok := f.opens.Take(invitation); !ok {
		return tooMany(wait)
	}
	return nil
}

// authenticate finds the principal of a request. The connection's own peer (the
// socket) counts where no credential is sent.
func (f *Front) authenticate(r *http.Request) (lanyard.Principal, error) {
	ctx := r.Context()
	rq := RequestOf(ctx)
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		if rq.peer == nil {
			return lanyard.Principal{}, lanyard.Errorf(lanyard.CodeCredentialMissing, "")
		}
		p := *rq.peer
		p.Origin, p.RequestID = rq.Origin, rq.ID
		return p, nil
	}
	scheme, credential, _ := strings.Cut(values[0], " ")
	known := strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "Token")
	if len(values) > 1 || !known {
		return lanyard.Principal{}, f.fail(ctx, lanyard.Errorf(lanyard.CodeCredentialInvalid,
			"the Authorization header must be one, and be: Bearer <key>"))
	}
	p, err := f.access.Authenticate(ctx, lanyard.NewSecret(strings.TrimSpace(credential)), rq.Origin, rq.ID)
	if err == nil {
		return p, nil
	}
	return p, f.Refuse(r, p, err)
}

// Refuse counts a credential that was not let in, and puts it on record where it is one of
// ours, withdrawn or in the wrong place: worth an entry, but not a flood of them. It
// returns what the caller is told: err, or CodeRateLimited after too many.
func (f *Front) Refuse(r *http.Request, p lanyard.Principal, err error) error {
	if p.Name != "" {
		if _, ok := f.denied.Take(p.Name + string(lanyard.CodeOf(err))); ok {
			if err2 := f.access.Denied(r.Context(), p, r.Pattern, err); err2 != nil {
				return err2
			}
		}
	}
	if errors.Is(err, lanyard.Unauthenticated) {
		err = f.fail(r.Context(), err)
	}
	return err
}

// onProject puts the operator onto the project that the request names, since an
// operator belongs to none.
func onProject(p lanyard.Principal, r *http.Request, needed bool) (lanyard.Principal, error) {
	named := r.Header.Get(ProjectHeader)
	switch {
	case !p.Operator:
		if named != "" && named != string(p.Project) {
			return p, lanyard.Errorf(lanyard.CodeNotFound, "")
		}
	case named != "" && !lanyard.ValidID("prj_", named):
		return p, lanyard.Errorf(lanyard.CodeNotFound, "there is no such project")
	case named != "":
		p.Project = lanyard.ProjectID(named)
	case needed:
		return p, lanyard.Errorf(lanyard.CodeInvalidRequest, "say which project: the header %s", ProjectHeader)
	}
	return p, nil
}

// ProjectHeader names the project on which the operator acts.
const ProjectHeader = "Lanyard-Project"

// plain says whether a request came in the clear from another machine: the key it
// carries has been readable on the way. A proxy that we trust may speak http to
// us, but not have been spoken to so where people reach us by https.
func (f *Front) plain(r *http.Request, rq Request) bool {
	if r.TLS != nil || rq.peer != nil {
		return false
	}
	hop := peerAddress(r.RemoteAddr)
	if f.proxies.trust(hop) {
		return f.https && !rq.Secure
	}
	return !hop.IsLoopback()
}
