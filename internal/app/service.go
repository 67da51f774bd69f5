package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// Config is what a Service needs; every field is required.
type Config struct {
	Store     *store.DB
	Vault     *vault.Vault
	Providers *provider.Set
	PublicURL string // "https://connect.example.com", no slash at the end
}

// Service keeps apps. It is safe for concurrent use.
type Service struct{ Config }

// New returns a Service.
func New(c Config) *Service { return &Service{c} }

// Spec is what can be said about an app. In a change, nil leaves a field as it is.
type Spec struct {
	Provider          string
	Name              *string
	ClientID          *string
	Secret            *lanyard.Secret
	NextSecret        *lanyard.Secret // the new secret during a rotation; empty takes it away
	WebhookSecret     *lanyard.Secret
	NextWebhookSecret *lanyard.Secret // the new one during a rotation; empty takes it away
	Scopes            []string
	ScopesOptional    []string
	RedirectURIs      []string
	Endpoints         map[string]string
	Params            map[string]string
	Custom            []byte // JSON of a provider definition
	PKCE              *string
	Published         *lanyard.Published // whether the provider has approved it, declared anew
}

// RedirectURI is the callback of ours to register at the provider.
func (s *Service) RedirectURI(id lanyard.AppID) string {
	return s.PublicURL + "/oauth/callback/" + string(id)
}

// WebhookURL is where the provider posts its notices.
func (s *Service) WebhookURL(a lanyard.App) string {
	return s.PublicURL + "/hooks/" + a.Provider + "/" + string(a.ID)
}

// Create makes an app, a draft until it has a client id and secret.
func (s *Service) Create(ctx context.Context, p lanyard.Principal, spec Spec) (lanyard.App, error) {
	e := lanyard.NewEntry(p, lanyard.ActAppChanged)
	if err := p.Need(lanyard.ScopeAdmin); err != nil {
		return lanyard.App{}, err
	}
	pr, ok := s.Providers.Get(spec.Provider)
	if !ok {
		return lanyard.App{}, lanyard.Errorf(lanyard.CodeUnknownProvider, "")
	}
	a := lanyard.App{ID: lanyard.NewID[lanyard.AppID]("app_"), Project: p.Project, Provider: spec.Provider,
		Name: pr.Definition().Name, Scopes: pr.Definition().DefaultScopes, ConfigVersion: 1}
	if err := reaches(p, a); err != nil {
		return a, err
	}
	if err := s.mayDefine(ctx, p, spec.Provider, spec, true); err != nil {
		return a, err
	}
	t, err := s.change(ctx, &a, spec)
	if err != nil {
		return a, err
	}
	hash := s.clientHash(a, t)
	return a, s.claimed(ctx, hash, a, spec, s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		a.CreatedAt, a.UpdatedAt = tx.Now(), tx.Now()
		if spec.Published != nil {
			a.PublishedAt = tx.Now()
		}
		return describe(e, a, "created"), tx.AddApp(a, hash)
	}))
}

// Update changes an app.
func (s *Service) Update(ctx context.Context, p lanyard.Principal, id lanyard.AppID, spec Spec) (lanyard.App, error) {
	e := lanyard.NewEntry(p, lanyard.ActAppChanged)
	a, err := s.Get(ctx, p, id)
	if err != nil {
		return a, err
	}
	if err := p.Need(lanyard.ScopeAdmin); err != nil {
		return a, err
	}
	if err := s.mayDefine(ctx, p, a.Provider, spec, false); err != nil {
		return a, err
	}
	was := a
	t, err := s.change(ctx, &a, spec)
	if err != nil {
		return a, err
	}
	if was.ClientID != "" && was.ClientID != a.ClientID {
		return a, lanyard.Errorf(lanyard.CodeInvalidRequest, "client_id: cannot change, because every connection belongs to it; make another app")
	}
	elsewhere, err := s.elsewhere(was, t)
	if err != nil {
		return a, err
	}
	if elsewhere && spec.Secret == nil && len(a.Secret) > 0 {
		return a, lanyard.Errorf(lanyard.CodeInvalidRequest, "client_secret: send it again, since the change would send it to another host")
	}
	hash := s.clientHash(a, t)
	return a, s.claimed(ctx, hash, a, spec, s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		if elsewhere {
			if n, err := tx.CountConnections(id); err != nil || n > 0 {
				if err == nil {
					err = lanyard.Errorf(lanyard.CodeEndpointsInUse, "")
				}
				return e.Failed(err), err
			}
		}
		now, err := tx.App(p.Project, id)
		if err != nil {
			return lanyard.Entry{}, err
		}
		if now.ConfigVersion != was.ConfigVersion {
			return lanyard.Entry{}, lanyard.Errorf(lanyard.CodeChangedMeanwhile, "")
		}
		a.ConfigVersion++
		a.UpdatedAt = tx.Now()
		if spec.Published != nil {
			a.PublishedAt = tx.Now()
		}
		return describe(e, a, "updated"), tx.PutApp(a, hash)
	}))
}

// elsewhere says whether t sends tokens or secrets to other hosts than the app
// did before: whoever may change an app must not collect what people gave it.
func (s *Service) elsewhere(was lanyard.App, t *provider.Target) (bool, error) {
	before, err := s.Providers.Target(was)
	if err != nil { // it resolved when it was stored; a catalogue that changed since is no reason to trust it
		return true, nil
	}
	for _, name := range []string{"token", "revoke", "identity", "api"} {
		a, err := url.Parse(before.Endpoint(name))
		if err != nil {
			return true, nil
		}
		b, err := url.Parse(t.Endpoint(name))
		if err != nil {
			return false, fmt.Errorf("endpoint %s: %w", name, err)
		}
		if b.Host != "" && (b.Host != a.Host || b.Scheme != a.Scheme) {
			return true, nil
		}
	}
	return false, nil
}

// mayDefine asks for the operator's word where a project says itself what a
// provider is, at every change: the word can be taken back (T08). Sending people
// to another page under a known name is the same bait; a page on this machine is
// the sandbox's, and baits nobody.
func (s *Service) mayDefine(ctx context.Context, p lanyard.Principal, provider string, spec Spec, isNew bool) error {
	custom := provider == "custom"
	switch {
	case !custom && len(spec.Custom) > 0:
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "custom: is for provider custom only")
	case p.Operator, !custom && here(spec.Endpoints["authorize"]), custom && !isNew && spec.Custom == nil && spec.Endpoints == nil:
		return nil
	}
	pr, err := s.project(ctx, p.Project)
	if err != nil {
		return err
	}
	if !pr.Settings.CustomAllowed {
		return lanyard.Errorf(lanyard.CodeOperatorOnly, "custom providers, and other authorize endpoints for known ones, are off for this project; the operator turns them on with `lanyard project update --allow-custom-provider`")
	}
	return nil
}

// here says whether an address is on this machine; "" is no address.
func here(address string) bool {
	u, err := url.Parse(address)
	return address == "" || err == nil && lanyard.Loopback(u.Hostname())
}

// Get returns one app.
func (s *Service) Get(ctx context.Context, p lanyard.Principal, id lanyard.AppID) (a lanyard.App, err error) {
	err = s.Store.View(ctx, func(q *store.Query) error {
		a, err = q.App(p.Project, id)
		return err
	})
	if err == nil {
		err = reaches(p, a)
	}
	return a, err
}

// List returns the project's apps, newest first, and the next cursor.
func (s *Service) List(ctx context.Context, p lanyard.Principal, page lanyard.Page) (apps []lanyard.App, next string, err error) {
	err = s.Store.View(ctx, func(q *store.Query) error {
		apps, next, err = q.Apps(p.Project, page)
		return err
	})
	return slices.DeleteFunc(apps, func(a lanyard.App) bool { return reaches(p, a) != nil }), next, err
}

// Delete takes an app away, unless connections exist.
func (s *Service) Delete(ctx context.Context, p lanyard.Principal, id lanyard.AppID) error {
	e := lanyard.NewEntry(p, lanyard.ActAppChanged)
	if err := p.Need(lanyard.ScopeAdmin); err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		a, err := tx.App(p.Project, id)
		if err == nil {
			err = reaches(p, a)
		}
		if err != nil {
			return lanyard.Entry{}, err
		}
		if n, err := tx.CountConnections(id); err != nil || n > 0 {
			if err == nil {
				err = lanyard.Errorf(lanyard.CodeAppInUse, "this app still has %d connections; delete them first", n)
			}
			return lanyard.Entry{}, err
		}
		return describe(e, a, "deleted"), tx.DeleteApp(p.Project, id)
	})
}

// Ready is an app with everything its calls need.
type Ready struct {
	App         lanyard.App
	Target      *provider.Target
	Credentials []provider.Credentials // the secret, then the next one during a rotation
}

// Open resolves an app for calling its provider. Errors: app_not_ready, and
// those of the vault.
func (s *Service) Open(ctx context.Context, a lanyard.App) (Ready, error) {
	pr, ok := s.Providers.Get(a.Provider)
	if !ok {
		return Ready{}, lanyard.Errorf(lanyard.CodeUnknownProvider, "the catalogue has no %q any more", a.Provider)
	}
	if a.State != lanyard.AppReady {
		return Ready{}, lanyard.Errorf(lanyard.CodeAppNotReady, "")
	}
	t, err := pr.Target(a)
	if err != nil {
		return Ready{}, fmt.Errorf("resolve app: %w", err)
	}
	r := Ready{App: a, Target: t}
	for _, f := range []struct {
		field  string
		sealed []byte
	}{{"apps.secret", a.Secret}, {"apps.next_secret", a.NextSecret}} {
		if len(f.sealed) == 0 {
			continue
		}
		secret, err := s.Vault.Open(ctx, vault.ProjectKey(a.Project), place(a, f.field), f.sealed)
		if err != nil {
			return Ready{}, fmt.Errorf("open client secret: %w", err)
		}
		r.Credentials = append(r.Credentials, provider.Credentials{ClientID: a.ClientID, Secret: secret})
	}
	if len(r.Credentials) == 0 { // a public client
		r.Credentials = []provider.Credentials{{ClientID: a.ClientID}}
	}
	return r, nil
}

// change applies spec to a and seals the secrets.
func (s *Service) change(ctx context.Context, a *lanyard.App, spec Spec) (*provider.Target, error) {
	set(&a.Name, spec.Name)
	set(&a.ClientID, spec.ClientID)
	set(&a.PKCE, spec.PKCE)
	set(&a.Published, spec.Published)
	if spec.Scopes != nil {
		a.Scopes = spec.Scopes
	}
	if spec.ScopesOptional != nil {
		a.ScopesOptional = spec.ScopesOptional
	}
	if spec.RedirectURIs != nil {
		a.RedirectURIs = spec.RedirectURIs
	}
	if spec.Endpoints != nil {
		a.Endpoints = spec.Endpoints
	}
	if spec.Params != nil {
		a.Params = spec.Params
	}
	if spec.Custom != nil {
		a.Custom = spec.Custom
	}
	if len(a.Scopes) == 0 {
		return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "scopes: say what the app asks people for; GET /v1/providers/%s lists what there is", a.Provider)
	}
	for _, u := range a.RedirectURIs {
		if err := lanyard.ValidURL("redirect_uris", u); err != nil {
			return nil, err
		}
	}
	if err := validScopes(append(slices.Clone(a.Scopes), a.ScopesOptional...)); err != nil {
		return nil, err
	}
	if a.PKCE != "" && a.PKCE != "on" && a.PKCE != "off" {
		return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "pkce: must be on, off or empty")
	}
	if !slices.Contains([]lanyard.Published{lanyard.PublishedUnknown, lanyard.PublishedYes, lanyard.PublishedNo}, a.Published) {
		return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "published: must be yes, no or unknown")
	}
	for _, f := range []struct {
		field string
		given *lanyard.Secret
		to    *[]byte
	}{{"apps.secret", spec.Secret, &a.Secret}, {"apps.next_secret", spec.NextSecret, &a.NextSecret}, {"apps.webhook_secret", spec.WebhookSecret, &a.WebhookSecret},
		{"apps.next_webhook_secret", spec.NextWebhookSecret, &a.NextWebhookSecret}} {
		switch {
		case f.given == nil:
			continue
		case f.given.Empty():
			*f.to = nil
			continue
		}
		var err error
		if *f.to, err = s.Vault.Seal(ctx, vault.ProjectKey(a.Project), place(*a, f.field), *f.given); err != nil {
			return nil, fmt.Errorf("seal %s: %w", f.field, err)
		}
	}
	pr, ok := s.Providers.Get(a.Provider)
	if !ok {
		return nil, lanyard.Errorf(lanyard.CodeUnknownProvider, "")
	}
	t, err := pr.Target(*a)
	if err != nil {
		return nil, err
	}
	a.State = lanyard.AppDraft
	if a.ClientID != "" && (len(a.Secret) > 0 || t.PublicClient()) {
		a.State = lanyard.AppReady
	}
	return t, nil
}

// clientHash is the client's name in this instance: token host and id. An app
// that is not ready has none: a client id alone is no secret, and whoever writes
// down another project's must not keep that from using it.
func (s *Service) clientHash(a lanyard.App, t *provider.Target) []byte {
	if a.State != lanyard.AppReady {
		return nil
	}
	return s.Vault.Digest("", "client", strings.ToLower(t.TokenHost()), a.ClientID)
}

// claimed turns client_in_use into what this caller may know: only the project
// that has the client, and whoever proves its secret, learns that it is
// registered here.
func (s *Service) claimed(ctx context.Context, hash []byte, a lanyard.App, spec Spec, err error) error {
	if !errors.Is(err, lanyard.CodeClientInUse) {
		return err
	}
	var other lanyard.App
	verr := s.Store.View(ctx, func(q *store.Query) (verr error) {
		other, verr = q.AppByClient(hash)
		return verr
	})
	if verr != nil {
		return fmt.Errorf("find the app that has this client: %w", verr)
	}
	if other.Project == a.Project || s.proves(ctx, other, spec.Secret) {
		return err
	}
	return lanyard.Errorf(lanyard.CodeInvalidRequest, "client_id and client_secret were not accepted together")
}

// proves says whether given is one of the app's secrets.
func (s *Service) proves(ctx context.Context, a lanyard.App, given *lanyard.Secret) bool {
	if given == nil {
		return false
	}
	for field, sealed := range map[string][]byte{"apps.secret": a.Secret, "apps.next_secret": a.NextSecret} {
		if len(sealed) == 0 {
			continue
		}
		if secret, err := s.Vault.Open(ctx, vault.ProjectKey(a.Project), place(a, field), sealed); err == nil && secret.Equal(*given) {
			return true
		}
	}
	return false
}

func (s *Service) project(ctx context.Context, id lanyard.ProjectID) (pr lanyard.Project, err error) {
	err = s.Store.View(ctx, func(q *store.Query) error {
		pr, err = q.Project(id)
		return err
	})
	return pr, err
}

func place(a lanyard.App, field string) vault.Place {
	return vault.Place{Project: a.Project, Row: string(a.ID), Field: field}
}

func describe(e lanyard.Entry, a lanyard.App, how string) lanyard.Entry {
	e.App = a.ID
	e.Detail = map[string]string{"provider": a.Provider, "change": how, "state": string(a.State)}
	if a.Published != "" {
		e.Detail["published"] = string(a.Published)
	}
	return e
}

func reaches(p lanyard.Principal, a lanyard.App) error {
	if len(p.Providers) > 0 && !slices.Contains(p.Providers, a.Provider) {
		return lanyard.Errorf(lanyard.CodeKeyLimited, "this key is limited to other providers than %s", a.Provider)
	}
	return nil
}

func validScopes(scopes []string) error {
	seen := map[string]bool{}
	for _, sc := range scopes {
		if sc == "" || len(sc) > 200 || strings.ContainsFunc(sc, func(r rune) bool { return r <= ' ' || r == '"' || r == '\\' || r > '~' || r == ',' }) {
			return lanyard.Errorf(lanyard.CodeInvalidRequest, "scopes: %q is not a scope (RFC 6749 §3.3); give one per element", clip(sc))
		}
		if seen[sc] {
			return lanyard.Errorf(lanyard.CodeInvalidRequest, "scopes: %q is there twice", clip(sc))
		}
		seen[sc] = true
	}
	return nil
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}
