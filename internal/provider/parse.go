package provider

import (
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"lanyard"
)

// An access token is believed to live at least and at most this long, whatever the answer says (T38).
const (
	minLife   = 60 * time.Second
	maxLife   = 90 * 24 * time.Hour
	usualLife = time.Hour // where it says how long in words we do not know
)

// maxToken is the longest token that is kept. Zoom's and Entra's have some thousand characters.
const maxToken = 64 << 10

// Splitter is code for a provider whose one answer holds several credentials.
type Splitter interface {
	// Split returns the parts that can be used, each with token members of its own: access_token, refresh_token,
	// expires_in, scope. None: the answer is read as one credential of kind "user".
	Split(answer Fields) []Part
}

// Part is one credential of an answer.
type Part struct {
	Kind        string
	Fields      Fields
	ScopePrefix string // put before each granted scope, so that it reads as in lanyard.App.Scopes
	Hint        Identity
}

// Parse says what an answer means. It is pure: it looks at nothing but the answer and the target, changes nothing, and
// gives the same result for the same answer at any later time.
//
// ok_partial means tokens were saved out of a damaged or odd answer. Then either token may be missing: without a refresh token
// at a provider that rotates, the one that was sent may be dead; with a refresh token alone (Access empty, ExpiresAt in the past) it is the only
// one there is, and is to be used next. ok always has an access token.
func (t *Target) Parse(kind lanyard.AttemptKind, a Answer) Result {
	if !a.Sent {
		return Result{Outcome: lanyard.OutcomeNotSent, Reason: lanyard.CodeProviderUnavailable}
	}
	b := readBody(plainBody(a.Body.Reveal(), a.Cut))
	if a.Status != 0 && !t.says(b, false) {
		if r, ok := t.issued(kind, a, b); ok {
			return r
		}
	}
	return t.refused(kind, a, b)
}

// says tells whether the answer's own success member (Slack: ok) is there with that value.
func (t *Target) says(b body, value bool) bool {
	v, is := b.Fields[t.def.Rules.OKMember].(bool)
	return is && v == value && t.def.Rules.OKMember != ""
}

// issued reads the tokens of an answer; false: it has none that can be used.
func (t *Target) issued(kind lanyard.AttemptKind, a Answer, b body) (Result, bool) {
	r := Result{Outcome: lanyard.OutcomeOK}
	if !b.whole || b.odd {
		r.Outcome = lanyard.OutcomePartial
	}
	says := b.Fields["error"]
	refusal := says != nil && says != "" && says != false || a.Status < 200 || a.Status > 299
	var parts []Part
	if s, ok := t.code.(Splitter); ok {
		parts = s.Split(b.Fields)
	}
	if len(parts) == 0 {
		parts = []Part{{Kind: "user", Fields: b.Fields}}
	}
	for _, p := range parts {
		tokens, problem := t.tokens(kind, a, p, b.whole)
		if problem != "" {
			r.Error = problem
		}
		// A refresh token alone counts only in what is no refusal: one that repeats the token we sent gives nothing new.
		if tokens.Access.Empty() && (tokens.Refresh.Empty() || refusal) {
			continue
		}
		if tokens.Access.Empty() || refusal {
			r.Outcome = lanyard.OutcomePartial
		}
		r.Tokens = append(r.Tokens, Issued{Kind: p.Kind, Tokens: tokens, Hint: t.hint(b.Fields, p)})
	}
	return r, len(r.Tokens) > 0
}

func (t *Target) tokens(kind lanyard.AttemptKind, a Answer, p Part, whole bool) (lanyard.TokenSet, string) {
	set := lanyard.TokenSet{TokenType: "Bearer", Refresh: tokenAt(p.Fields, "refresh_token"), IDToken: tokenAt(p.Fields, "id_token")}
	if typ, said := p.Fields["token_type"].(string); said && typ != "" && !strings.EqualFold(strings.TrimSpace(typ), "Bearer") {
		// A token we do not know how to present is not used (RFC 6749 §7.1). The refresh token beside it may be the only one left.
		set.IDToken = lanyard.Secret{}
		set.ExpiresAt = a.SentAt
		return set, "unsupported_token_type"
	}
	if set.Access = tokenAt(p.Fields, "access_token"); set.Access.Empty() {
		set.ExpiresAt = a.SentAt
		return set, ""
	}
	life, ok := lifetime(p.Fields["expires_in"])
	switch {
	case ok:
		set.ExpiresAt = a.SentAt.Add(life)
	case t.AccessTTL > 0:
		set.ExpiresAt = a.SentAt.Add(t.AccessTTL)
	case p.Fields["expires_in"] != nil, !whole && t.def.Times.Access == 0: // it ends, and we cannot read when; or that is what was lost
		set.ExpiresAt = a.SentAt.Add(usualLife)
	}
	for _, name := range []string{"refresh_token_expires_in", "refresh_expires_in"} { // not in a standard; several providers say it
		if life, ok := lifetime(p.Fields[name]); ok && life > minLife && !set.Refresh.Empty() { // 0 is often "never"
			set.RefreshExpires = a.SentAt.Add(life)
		}
	}
	set.Scopes = t.granted(kind, p, set)
	if at := t.def.APIBaseAt; at != "" {
		if base := p.Fields.Text(at); t.AllowsAPI(base) {
			set.APIBase = strings.TrimRight(base, "/")
		}
	}
	return set, ""
}

// tokenAt returns a token that arrived whole and can be sent in a header: visible ASCII only (RFC 6749 App. A, RFC 6750 §2.1).
func tokenAt(f Fields, name string) lanyard.Secret {
	s, _ := f[name].(string)
	if len(s) > maxToken {
		return lanyard.Secret{}
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return lanyard.Secret{}
		}
	}
	return lanyard.NewSecret(s)
}

// lifetime reads expires_in as a number of seconds, as text or not, with a unit or without.
func lifetime(v any) (time.Duration, bool) {
	var text string
	switch v := v.(type) {
	case json.Number:
		text = v.String()
	case string:
		text = strings.TrimSpace(v)
	}
	for _, unit := range []string{"seconds", "second", "secs", "sec"} {
		text = strings.TrimSpace(strings.TrimSuffix(text, unit))
	}
	s, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(s, 0) {
		d, bad := time.ParseDuration(text) // "3600s", "1h"
		if text == "" || bad != nil {
			return 0, false
		}
		s = d.Seconds()
	}
	if math.IsNaN(s) {
		return 0, false
	}
	s = min(max(s, minLife.Seconds()), maxLife.Seconds())
	return time.Duration(s) * time.Second, true
}

// granted returns the scopes of the answer in the app's own spelling; nil: the answer does not say.
func (t *Target) granted(kind lanyard.AttemptKind, p Part, set lanyard.TokenSet) []string {
	var out []string
	switch v := p.Fields["scope"].(type) {
	case string:
		out = strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(" \t\r\n"+t.separator(), r) })
	case []any:
		for _, s := range v {
			if s, ok := s.(string); ok && s != "" {
				out = append(out, s)
			}
		}
	}
	if len(out) == 0 {
		return nil
	}
	for i, s := range out {
		out[i] = t.spelling(p.ScopePrefix + s)
	}
	// What offline_access asks for is a refresh token, and many do not name it in the answer (OpenID Connect Core §11).
	if kind == lanyard.AttemptRefresh || !set.Refresh.Empty() {
		for _, s := range append([]string{"offline_access"}, t.def.NotEchoed...) {
			if slices.Contains(t.scopes, s) {
				out = append(out, s)
			}
		}
	}
	if !set.IDToken.Empty() && slices.Contains(t.scopes, "openid") {
		out = append(out, "openid")
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// hint is what the answer itself says of the account.
func (t *Target) hint(answer Fields, p Part) Identity {
	if p.Hint != (Identity{}) {
		h := p.Hint
		h.Issuer = t.namespace()
		return h
	}
	from := func(path string) string {
		if p, ok := strings.CutPrefix(path, "token:"); ok {
			return cleanText(answer.Text(p))
		}
		return ""
	}
	r := t.def.Identity
	h := Identity{Subject: from(r.Subject), Email: from(r.Email), DisplayName: from(r.Name), OrganizationID: from(r.Organization)}
	if h != (Identity{}) {
		h.Issuer = t.namespace()
	}
	return h
}

// refused says why there are no tokens.
func (t *Target) refused(kind lanyard.AttemptKind, a Answer, b body) Result {
	code, verdict, known := t.verdict(b)
	r := Result{Error: code, Reason: lanyard.CodeProviderUnavailable}
	wait := retryAfter(a.Header, a.SentAt)
	switch {
	case a.Status == 0 || a.Status == http.StatusRequestTimeout:
		r.Outcome = lanyard.OutcomeUnknown
	case a.Status == http.StatusTooManyRequests, a.Status == http.StatusServiceUnavailable && wait > 0:
		r.Outcome, r.RetryAfter = lanyard.OutcomeThrottled, wait
	case a.Status >= 500 || a.Status < 200:
		r.Outcome = lanyard.OutcomeUnknown
	case a.Status >= 300 && a.Status < 400:
		r.Outcome = lanyard.OutcomeAppError
	case code != "" && !b.whole: // a damaged answer is never a verdict: what made it clear may be missing
		r.Outcome = lanyard.OutcomeUnknown
	case known:
		r.Outcome, r.Reason = verdict.Outcome(), verdict.Reason()
		if r.Outcome == lanyard.OutcomeThrottled {
			r.RetryAfter = wait
		}
	case a.Status < 300 && code == "" && !t.says(b, false):
		r.Outcome = lanyard.OutcomeUnknown
	case slices.Contains(passing, a.Status):
		r.Outcome = lanyard.OutcomeUnknown
	default: // refused in words we do not know: nobody's grant is called dead for it
		r.Outcome = lanyard.OutcomeAppError
	}
	if r.Error == "" && a.Status != 0 && (a.Status < 200 || a.Status > 299) {
		r.Error = "http_" + strconv.Itoa(a.Status)
	}
	r.Reason = reasonFor(kind, r.Outcome, r.Reason)
	return r
}

// passing are refusals that speak of this moment or this connection, not of the app (RFC 9110 §15.5.10 and §15.5.20,
// RFC 4918 §11.3, RFC 8470 §5.2).
var passing = []int{http.StatusConflict, http.StatusMisdirectedRequest, http.StatusLocked, http.StatusTooEarly}

// reasonFor makes sure that a refusal has a reason that fits it.
func reasonFor(kind lanyard.AttemptKind, o lanyard.Outcome, reason lanyard.Code) lanyard.Code {
	switch o {
	case lanyard.OutcomeAppError:
		return lanyard.CodeAppMisconfigured
	case lanyard.OutcomeRejected, lanyard.OutcomeInteraction:
		if kind == lanyard.AttemptCode && reason != lanyard.CodeAdminPolicy {
			return lanyard.CodeCodeRejected
		}
		if reason == "" {
			return lanyard.CodeNeedsReauth
		}
		return reason
	}
	return lanyard.CodeProviderUnavailable
}
