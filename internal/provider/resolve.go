package provider

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"lanyard"
)

// Target resolves what one app's calls need: parameters put into the endpoints, the app's own endpoints over them. It works
// for a draft app too. Errors are CodeInvalidRequest and name what is wrong.
func (p *Provider) Target(app lanyard.App) (*Target, error) {
	def, code := p.def, p.code
	if p.def.ID == Custom {
		d, err := ParseCustom(app.Custom)
		if err != nil {
			return nil, err
		}
		def, code = d, nil
	}
	return p.set.build(def, code, app)
}

// ParseCustom reads and checks the definition of a custom provider: a Definition as JSON. Errors are CodeInvalidRequest.
func ParseCustom(raw []byte) (Definition, error) {
	var d Definition
	if len(raw) == 0 {
		return d, lanyard.Errorf(lanyard.CodeInvalidRequest, "custom: a custom provider needs its definition")
	}
	if len(raw) > 64<<10 {
		return d, lanyard.Errorf(lanyard.CodeInvalidRequest, "custom: longer than 64 KiB")
	}
	if b := readBody(raw, false); !b.whole || b.odd {
		return d, lanyard.Errorf(lanyard.CodeInvalidRequest, "custom: not one JSON object with each member once")
	}
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return d, lanyard.Errorf(lanyard.CodeInvalidRequest, "custom: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if d.ID == "" {
		d.ID = Custom
	}
	d.Extends = ""
	if problems := d.Validate(); len(problems) > 0 {
		return d, lanyard.Errorf(lanyard.CodeInvalidRequest, "custom: %v", problems[0])
	}
	return d, nil
}

func (s *Set) build(def Definition, code any, app lanyard.App) (*Target, error) {
	params, err := paramsOf(def, app.Params)
	if err != nil {
		return nil, err
	}
	catalogued := fill(def.Endpoints, params)
	e, err := override(catalogued, app.Endpoints)
	if err != nil {
		return nil, err
	}
	e.each(func(_ string, v *string) { *v = strings.ReplaceAll(*v, "{api}", strings.TrimRight(e.API, "/")) })
	catalogued.each(func(_ string, v *string) {
		*v = strings.ReplaceAll(*v, "{api}", strings.TrimRight(catalogued.API, "/"))
	})
	if hostOf(e.Token) != hostOf(catalogued.Token) {
		withdraw(&e, catalogued, app.Endpoints)
	}
	if e.Issuer != "" && e.JWKS == "" && e.Discovery == "" && def.Identity.Claims.Subject != "" && !strings.Contains(e.Issuer, "{tid}") {
		e.Discovery = strings.TrimRight(e.Issuer, "/") + "/.well-known/openid-configuration" // OpenID Connect Discovery §4
	}
	def.Endpoints = e
	keys := def.Identity.Claims.Subject != "" && (e.JWKS != "" || e.Discovery != "")
	if e.Identity == "" && !keys && !strings.HasPrefix(def.Identity.Subject, "token:") {
		return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "endpoints: token is on a host of its own, so identity (or api) must be given too")
	}
	var bad error
	e.each(func(name string, v *string) {
		if *v != "" && bad == nil {
			bad = s.client.CheckURL("endpoints."+name, strings.ReplaceAll(*v, "{tid}", "tid"))
		}
	})
	if bad != nil {
		return nil, bad
	}
	def.APIHosts = slices.Clone(def.APIHosts)
	for i, h := range def.APIHosts {
		def.APIHosts[i] = fillText(h, params)
	}
	hosts := def.APIHosts
	if app.Endpoints["api"] != "" || hostOf(e.Token) != hostOf(catalogued.Token) {
		hosts = nil // another server's tokens never go to the catalogue's hosts
	}
	if h := hostOf(e.API); h != "" {
		hosts = append(slices.Clone(hosts), h)
	}
	return s.finish(frozen{V: 1, App: app.ID, Provider: app.Provider, ClientID: app.ClientID, PKCE: sendsPKCE(def, app.PKCE), Def: def,
		Scopes: slices.Concat(app.Scopes, app.ScopesOptional, def.Authorize.ScopesAlways), API: hosts}, code), nil
}

func paramsOf(def Definition, given map[string]string) (map[string]string, error) {
	out := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if _, known := def.Params[name]; !known {
			return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "params: %s has no %q", def.Name, name)
		}
	}
	for name, p := range def.Params {
		v, ok := given[name]
		if !ok || v == "" {
			v = p.Default
		}
		// Hosts are built from it: what does not match never reaches a resolver.
		if re, err := regexp.Compile(`^(?:` + p.Pattern + `)$`); err != nil || !re.MatchString(v) {
			return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "params.%s: missing or not of the form %s", name, p.Pattern)
		}
		out[name] = v
	}
	return out, nil
}

func fill(e Endpoints, params map[string]string) Endpoints {
	e.each(func(_ string, v *string) { *v = fillText(*v, params) })
	return e
}

func fillText(s string, params map[string]string) string {
	for name, v := range params {
		s = strings.ReplaceAll(s, "{"+name+"}", v)
		if name == "tenant" && guid.MatchString(v) {
			s = strings.ReplaceAll(s, "{tid}", strings.ToLower(v)) // one tenant only: its id is the issuer's
		}
	}
	return s
}

var guid = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)

// each calls f with the name and place of every endpoint, in a fixed order.
func (e *Endpoints) each(f func(name string, v *string)) {
	f("authorize", &e.Authorize)
	f("token", &e.Token)
	f("revoke", &e.Revoke)
	f("identity", &e.Identity)
	f("issuer", &e.Issuer)
	f("jwks", &e.JWKS)
	f("discovery", &e.Discovery)
	f("device", &e.Device)
	f("api", &e.API)
}

func override(e Endpoints, own map[string]string) (Endpoints, error) {
	left := maps.Clone(own)
	e.each(func(name string, v *string) {
		if o := own[name]; o != "" {
			*v = o
		}
		delete(left, name)
	})
	for _, name := range slices.Sorted(maps.Keys(left)) {
		return e, lanyard.Errorf(lanyard.CodeInvalidRequest, "endpoints: there is no %q", name)
	}
	return e, nil
}

// withdraw takes away the catalogue's endpoints that would be sent tokens of another server, where the app has its own token
// endpoint and says nothing of these. What is on the app's own hosts (identity under its api) stays.
func withdraw(e *Endpoints, catalogued Endpoints, own map[string]string) {
	theirs := map[string]string{}
	catalogued.each(func(name string, v *string) { theirs[name] = *v })
	e.each(func(name string, v *string) {
		if name != "authorize" && name != "token" && own[name] == "" && *v == theirs[name] {
			*v = ""
		}
	})
}

func sendsPKCE(def Definition, app string) bool {
	switch {
	case def.Authorize.PKCE == PKCERequired || app == "on":
		return true
	case app == "off":
		return false
	}
	return def.Authorize.PKCE == "" || def.Authorize.PKCE == PKCESupported || def.Authorize.PKCE == PKCEUnknown
}

// hostOf returns host or host:port in lower case, without the port that goes without saying.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if port == "" || u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		return host
	}
	return net.JoinHostPort(host, port)
}

func seconds(n int64) time.Duration { return time.Duration(max(n, 0)) * time.Second }

// frozen is what a Target is made of; as JSON it is the snapshot.
type frozen struct {
	V        int           `json:"v"`
	App      lanyard.AppID `json:"app"`
	Provider string        `json:"provider"`
	ClientID string        `json:"client_id"`
	PKCE     bool          `json:"pkce,omitempty"`
	Def      Definition    `json:"def"`
	Scopes   []string      `json:"scopes,omitempty"`
	API      []string      `json:"api,omitempty"`
}

func (s *Set) finish(f frozen, code any) *Target {
	d := f.Def
	class := d.Class
	if class == "" {
		class = ClassReuseKill
	}
	issuer := d.Endpoints.Issuer
	if strings.Contains(issuer, "{tid}") {
		issuer = "" // known only when an ID token names the tenant
	}
	return &Target{
		App: f.App, Provider: f.Provider, Name: d.Name, ClientID: f.ClientID, Class: class, PKCE: f.PKCE,
		Issuer: issuer, IssuerRequired: d.Authorize.IssuerReturned && issuer != "", Deadline: DefaultDeadline,
		CodeTTL: seconds(d.Times.Code), Grace: seconds(d.Times.Grace), AccessTTL: seconds(d.Times.Access),
		RefreshTTL: seconds(d.Times.Refresh), RefreshIdle: seconds(d.Times.RefreshIdle), ConsentTTL: seconds(d.Times.Consent),
		RotationKillsAccess: d.Rules.RotationKillsAccess, OneGrantPerSubject: d.Rules.OneGrantPerSubject,
		RenewalsPerSecond: d.Rules.RenewalsPerSecond, ManageURL: d.ManageURL,
		def: d, scopes: f.Scopes, api: f.API, code: code, client: s.client, keys: s.keys,
	}
}

// Snapshot freezes the target for the length of a flow, so that nobody can change under way where its code is sent (T03). It holds no secret.
func (t *Target) Snapshot() []byte {
	d := t.def
	d.Cannot = nil
	d.Scopes = slices.Clone(d.Scopes)
	for i := range d.Scopes {
		d.Scopes[i] = Scope{Scope: d.Scopes[i].Scope, Also: d.Scopes[i].Also}
	}
	b, err := json.Marshal(frozen{V: 1, App: t.App, Provider: t.Provider, ClientID: t.ClientID, PKCE: t.PKCE, Def: d, Scopes: t.scopes, API: t.api})
	if err != nil {
		panic(fmt.Sprintf("snapshot of %s: %v", t.Provider, err)) // strings and numbers only: cannot fail
	}
	return b
}

// RestoreTarget rebuilds a Target from its Snapshot, with the endpoints of the time the flow began; plain words about scopes are not in it.
func (s *Set) RestoreTarget(snapshot []byte) (*Target, error) {
	var f frozen
	if err := json.Unmarshal(snapshot, &f); err != nil || f.V != 1 || f.Def.Endpoints.Token == "" {
		return nil, lanyard.Errorf(lanyard.CodeInternal, "snapshot of a target: not readable")
	}
	var code any
	if p, ok := s.providers[f.Provider]; ok {
		code = p.code
	}
	return s.finish(f, code), nil
}
