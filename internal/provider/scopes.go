package provider

import (
	"slices"
	"strings"
)

// UserScope begins the scopes of an app that are asked for the person's own credential where a provider gives two (Slack):
// "user:search:read" beside the bot's "chat:write".
const UserScope = "user:"

// Describe says in plain words what scopes allow, in the order given; a scope the catalogue does not know comes back with Say empty.
func (t *Target) Describe(scopes []string) []Scope { return t.def.describe(scopes) }

// Cannot returns the sentences about what an app that asks for these scopes cannot do.
func (t *Target) Cannot(scopes []string) []string { return t.def.cannot(scopes) }

// Scopes returns everything an app asks for: its scopes and those the provider always needs, without repeats.
func (t *Target) Scopes(scopes []string) []string {
	return unique(slices.Concat(scopes, t.def.Authorize.ScopesAlways))
}

// ScopesFor returns which of an app's scopes concern the credential of this kind ("user", "bot").
func (t *Target) ScopesFor(kind string, scopes []string) []string {
	if t.def.Authorize.UserParam == "" {
		return scopes
	}
	var out []string
	for _, s := range scopes {
		if strings.HasPrefix(s, UserScope) == (kind == "user") {
			out = append(out, s)
		}
	}
	return out
}

// Ability returns the code of the provider, nil if it has none.
func (t *Target) Ability() any { return t.code }

// spelling returns a granted scope as the app spells it, where the app asks for the same under another name, so that granted
// and asked can be compared as sets.
func (t *Target) spelling(granted string) string {
	if slices.Contains(t.scopes, granted) {
		return granted
	}
	for _, asked := range t.scopes {
		if t.def.plain(asked) == t.def.plain(granted) {
			return asked
		}
	}
	return granted
}

// plain takes away what makes no difference.
func (d *Definition) plain(s string) string {
	for _, p := range d.ScopeHosts {
		if len(s) > len(p) && strings.EqualFold(s[:len(p)], p) {
			s = strings.ToLower(s[len(p):])
		}
	}
	if len(d.ScopeHosts) > 0 {
		s = strings.ToLower(s)
	}
	if e, ok := d.Equivalent[s]; ok {
		return e
	}
	return s
}

func (d *Definition) describe(scopes []string) []Scope {
	var out []Scope
	for _, asked := range unique(scopes) {
		found := Scope{Scope: asked}
		for _, s := range d.Scopes {
			if s.Scope == asked || slices.Contains(s.Also, asked) || d.plain(s.Scope) == d.plain(asked) {
				found = s
				found.Scope, found.Also = asked, nil
				break
			}
		}
		out = append(out, found)
	}
	return out
}

func (d *Definition) cannot(asked []string) []string {
	var out []string
	for _, l := range d.Cannot {
		if !slices.ContainsFunc(l.Unless, func(s string) bool { return d.asks(asked, s) }) {
			out = append(out, l.Say)
		}
	}
	return out
}

// asks says whether a scope, by any spelling, or with "*" at its end any that begins so, is among those asked for.
func (d *Definition) asks(asked []string, want string) bool {
	if prefix, ok := strings.CutSuffix(want, "*"); ok {
		return slices.ContainsFunc(asked, func(a string) bool { return strings.HasPrefix(a, prefix) })
	}
	also := []string{want}
	for _, s := range d.Scopes {
		if s.Scope == want {
			also = append(also, s.Also...)
		}
	}
	return slices.ContainsFunc(asked, func(a string) bool {
		return slices.Contains(also, a) || d.plain(a) == d.plain(want)
	})
}

func unique(list []string) []string {
	var out []string
	for _, s := range list {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// PublicClient says whether the app proves nothing at the token endpoint, so
// that it needs no secret.
func (t *Target) PublicClient() bool { return t.def.ClientAuth == AuthNone }
