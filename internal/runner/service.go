package runner

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"lanyard"
	"lanyard/internal/egress"
	"lanyard/internal/store"
	"lanyard/internal/vault"
	"lanyard/internal/webhook"
)

const mostRunners = 50 // of a project

// Config is what a Service needs; Logger and Pace may be left out.
type Config struct {
	Store     *store.DB
	Vault     *vault.Vault
	Out       *egress.Client
	PublicURL string // of this server: its token URLs are hidden in what a vendor repeats of them
	Logger    *slog.Logger
	Pace      float64 // times between tries are divided by it; 0: 1
}

// Service keeps runners and calls them. It is safe for concurrent use.
type Service struct {
	Config
	hide func([]byte) []byte
}

// New returns a Service.
func New(c Config) *Service {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Pace == 0 {
		c.Pace = 1
	}
	return &Service{Config: c, hide: hider(c.PublicURL)}
}

// Spec is what can be said about a runner. In a change, nil leaves a field as it is.
type Spec struct {
	Kind    lanyard.RunnerKind // of a new one; it never changes
	Name    *string
	URL     *string // of a vendor: empty means where its API is by the vendor's documentation
	Key     *lanyard.Secret
	Default *bool
}

// Create makes a runner. A vendor's needs its key, which is sealed and never shown again.
// A webhook gets a secret with which calls are signed: it is returned, this once. Errors:
// invalid_request names what is wrong; runner_limit.
func (s *Service) Create(ctx context.Context, p lanyard.Principal, spec Spec) (lanyard.Runner, lanyard.Secret, error) {
	var shown lanyard.Secret
	if err := p.Need(lanyard.ScopeAdmin); err != nil {
		return lanyard.Runner{}, shown, err
	}
	r := lanyard.Runner{ID: lanyard.NewID[lanyard.RunnerID]("run_"), Project: p.Project, Kind: spec.Kind}
	if err := s.change(&r, spec); err != nil {
		return r, shown, err
	}
	key := spec.Key
	if r.Kind == lanyard.RunnerWebhook {
		key = new(webhook.NewSecret())
		shown = webhook.Shown(*key)
	}
	var err error
	if r.Key, err = s.seal(ctx, r, *key); err != nil {
		return r, lanyard.Secret{}, err
	}
	err = s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		if n, err := tx.CountRunners(p.Project); err != nil || n >= mostRunners {
			if err == nil {
				err = lanyard.Errorf(lanyard.CodeRunnerLimit, "")
			}
			return lanyard.Entry{}, err
		}
		r.CreatedAt, r.UpdatedAt = tx.Now(), tx.Now()
		return describe(p, r, "created"), tx.AddRunner(r)
	})
	return r, shown, err
}

// Get returns one runner.
func (s *Service) Get(ctx context.Context, p lanyard.Principal, id lanyard.RunnerID) (r lanyard.Runner, err error) {
	if err := p.Need(lanyard.ScopeRead); err != nil {
		return r, err
	}
	return s.Find(ctx, p.Project, id)
}

// Find returns one runner of a project, for a bot that has it.
func (s *Service) Find(ctx context.Context, project lanyard.ProjectID, id lanyard.RunnerID) (r lanyard.Runner, err error) {
	err = s.Store.View(ctx, func(q *store.Query) error {
		r, err = q.Runner(project, id)
		return err
	})
	return r, err
}

// List returns the project's runners, newest first, and the next cursor.
func (s *Service) List(ctx context.Context, p lanyard.Principal, page lanyard.Page) (list []lanyard.Runner, next string, err error) {
	if err := p.Need(lanyard.ScopeRead); err != nil {
		return nil, "", err
	}
	err = s.Store.View(ctx, func(q *store.Query) error {
		list, next, err = q.Runners(p.Project, page)
		return err
	})
	return list, next, err
}

// Update changes a runner. A vendor's key goes to no other host than it was given for:
// with a URL elsewhere it has to be said again.
func (s *Service) Update(ctx context.Context, p lanyard.Principal, id lanyard.RunnerID, spec Spec) (r lanyard.Runner, err error) {
	if err := p.Need(lanyard.ScopeAdmin); err != nil {
		return r, err
	}
	var sealed []byte
	if spec.Key != nil {
		if sealed, err = s.seal(ctx, lanyard.Runner{ID: id, Project: p.Project}, *spec.Key); err != nil {
			return r, err
		}
	}
	err = s.Store.Update(ctx, func(tx *store.Tx) (_ lanyard.Entry, err error) {
		if r, err = tx.LockRunner(p.Project, id); err != nil {
			return lanyard.Entry{}, err
		}
		was := r
		if err := s.change(&r, spec); err != nil {
			return lanyard.Entry{}, err
		}
		if r.Kind != lanyard.RunnerWebhook && origin(r.URL) != origin(was.URL) && spec.Key == nil {
			return lanyard.Entry{}, lanyard.Errorf(lanyard.CodeInvalidRequest, "key: say it again, because with this url it goes to another host")
		}
		if sealed != nil {
			r.Key = sealed
		}
		r.UpdatedAt = tx.Now()
		return describe(p, r, "updated"), tx.PutRunner(r)
	})
	return r, err
}

// Rotate gives a webhook another secret and returns it, this once. It holds at once.
func (s *Service) Rotate(ctx context.Context, p lanyard.Principal, id lanyard.RunnerID) (r lanyard.Runner, shown lanyard.Secret, err error) {
	if err := p.Need(lanyard.ScopeAdmin); err != nil {
		return r, shown, err
	}
	secret := webhook.NewSecret()
	sealed, err := s.seal(ctx, lanyard.Runner{ID: id, Project: p.Project}, secret)
	if err != nil {
		return r, shown, err
	}
	err = s.Store.Update(ctx, func(tx *store.Tx) (_ lanyard.Entry, err error) {
		if r, err = tx.LockRunner(p.Project, id); err != nil {
			return lanyard.Entry{}, err
		}
		if r.Kind != lanyard.RunnerWebhook {
			return lanyard.Entry{}, lanyard.Errorf(lanyard.CodeInvalidRequest, "kind: a vendor makes its keys itself; put the new one in by changing the runner")
		}
		r.Key, r.UpdatedAt = sealed, tx.Now()
		return describe(p, r, "rotated"), tx.PutRunner(r)
	})
	return r, webhook.Shown(secret), err
}

// Delete removes a runner that runs no bot any more. Errors: scope_missing, not_found,
// runner_in_use.
func (s *Service) Delete(ctx context.Context, p lanyard.Principal, id lanyard.RunnerID) error {
	if err := p.Need(lanyard.ScopeAdmin); err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		r, err := tx.LockRunner(p.Project, id)
		if err != nil {
			return lanyard.Entry{}, err
		}
		if n, err := tx.CountBotsOf(p.Project, id); err != nil || n > 0 {
			if err == nil {
				err = lanyard.Errorf(lanyard.CodeRunnerInUse, "")
			}
			return lanyard.Entry{}, err
		}
		return describe(p, r, "deleted"), tx.DeleteRunner(p.Project, id)
	})
}

// change applies what is said to a runner, and checks the whole.
func (s *Service) change(r *lanyard.Runner, spec Spec) error {
	v, vendor := vendors[r.Kind]
	if !vendor && r.Kind != lanyard.RunnerWebhook {
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "kind: one of %s", kindList())
	}
	if spec.Name != nil {
		r.Name = *spec.Name
	}
	if spec.Default != nil {
		r.Default = *spec.Default
	}
	fresh := r.CreatedAt.IsZero()
	if spec.URL != nil || fresh {
		if r.URL = ""; spec.URL != nil {
			r.URL = *spec.URL
		}
		if r.URL == "" && vendor {
			r.URL = v.base()
		}
		if err := s.checkURL(r.URL, vendor); err != nil {
			return err
		}
		if vendor {
			r.URL = strings.TrimRight(r.URL, "/")
		}
	}
	if len(r.Name) > 100 || strings.ContainsFunc(r.Name, control) {
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "name: at most 100 bytes, without control characters")
	}
	switch {
	case vendor && fresh && spec.Key == nil:
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "key: the vendor's API key is needed")
	case !vendor && spec.Key != nil:
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "key: a webhook has none; the secret that signs its calls is made here")
	case spec.Key != nil:
		key := string(spec.Key.Reveal())
		if key == "" || len(key) > 1000 || strings.ContainsFunc(key, func(c rune) bool { return c <= ' ' || c > '~' }) {
			return lanyard.Errorf(lanyard.CodeInvalidRequest, "key: 1 to 1000 visible ASCII characters")
		}
	}
	return nil
}

func (s *Service) checkURL(raw string, vendor bool) error {
	if len(raw) > 2000 || strings.ContainsFunc(raw, control) {
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "url: at most 2000 bytes, without control characters")
	}
	if err := s.Out.CheckURL("url", raw); err != nil {
		return err
	}
	if u, err := url.Parse(raw); vendor && (err != nil || u.RawQuery != "" || u.ForceQuery) {
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "url: where the vendor's API begins, without a query")
	}
	return nil
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

func kindList() string {
	var names []string
	for _, k := range lanyard.RunnerKinds {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

// origin is the scheme, host and port of a URL.
func origin(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Scheme + "://" + u.Host)
}

func place(r lanyard.Runner) vault.Place {
	return vault.Place{Project: r.Project, Row: string(r.ID), Field: "runners.key"}
}

func (s *Service) seal(ctx context.Context, r lanyard.Runner, key lanyard.Secret) ([]byte, error) {
	sealed, err := s.Vault.Seal(ctx, vault.ProjectKey(r.Project), place(r), key)
	if err != nil {
		return nil, fmt.Errorf("seal the runner's key: %w", err)
	}
	return sealed, nil
}

func (s *Service) key(ctx context.Context, r lanyard.Runner) (lanyard.Secret, error) {
	key, err := s.Vault.Open(ctx, vault.ProjectKey(r.Project), place(r), r.Key)
	if err != nil {
		return lanyard.Secret{}, fmt.Errorf("open the runner's key: %w", err)
	}
	return key, nil
}

// describe is the entry of a change. Of the URL it has the host: of a webhook the path is
// often a secret.
func describe(p lanyard.Principal, r lanyard.Runner, how string) lanyard.Entry {
	e := lanyard.NewEntry(p, lanyard.ActRunnerChanged)
	e.Project = r.Project
	e.Detail = map[string]string{"runner": string(r.ID), "kind": string(r.Kind), "change": how, "host": strings.TrimPrefix(strings.TrimPrefix(origin(r.URL), "https://"), "http://")}
	return e
}
