package provider

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"lanyard/internal/egress"
)

// Keys are kept as long as the issuer's Cache-Control says, within these; an unknown key id asks again, but not more often
// than once in keysPause, so that forged tokens cannot make us knock (OpenID Connect Core §10.1.1). After a failure those who
// waited for it share it, instead of waiting one after the other for an issuer that hangs.
const (
	keysMin    = 5 * time.Minute
	keysMax    = 24 * time.Hour
	keysPause  = 10 * time.Second
	keysFailed = 2 * time.Second
	keysCount  = 1024 // issuers remembered
)

// keySets holds the issuers' public keys, by the URL they come from.
type keySets struct {
	client *egress.Client
	mu     sync.Mutex
	sets   map[string]*keySet
	found  map[string]discovered
}

type discovered struct {
	jwks  string
	until time.Time
}

// keySet is one issuer's keys.
type keySet struct {
	client *egress.Client
	url    string
	mu     sync.Mutex
	keys   []jose.JSONWebKey
	asked  time.Time // when the last fetch ended
	until  time.Time
	last   error // of the last fetch
}

// lookup is one use of a keySet; it remembers whether the keys could not be had.
type lookup struct {
	*keySet
	err error
}

func newKeySets(c *egress.Client) *keySets {
	return &keySets{client: c, sets: map[string]*keySet{}, found: map[string]discovered{}}
}

func (s *keySets) of(ctx context.Context, e Endpoints) (*lookup, error) {
	address := e.JWKS
	if address == "" {
		var err error
		if address, err = s.discover(ctx, e); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.sets[address]
	if !ok {
		if len(s.sets) >= keysCount {
			clear(s.sets)
		}
		k = &keySet{client: s.client, url: address}
		s.sets[address] = k
	}
	return &lookup{keySet: k}, nil
}

// discover reads jwks_uri from the issuer's metadata, which counts only if it names the very issuer that was asked (RFC 8414 §3.3).
func (s *keySets) discover(ctx context.Context, e Endpoints) (string, error) {
	key := e.Discovery + " " + e.Issuer
	s.mu.Lock()
	known, ok := s.found[key]
	s.mu.Unlock()
	if ok && time.Now().Before(known.until) {
		return known.jwks, nil
	}
	a := s.client.Do(ctx, egress.Request{Method: http.MethodGet, URL: e.Discovery, Header: http.Header{"Accept": {"application/json"}}})
	b := readBody(a.Body.Reveal(), a.Cut)
	switch {
	case a.Err != nil || a.Status != http.StatusOK || !b.whole:
		return "", errors.New("discovery document cannot be read")
	case b.Fields.Text("issuer") != e.Issuer || e.Issuer == "":
		return "", errors.New("discovery document is for another issuer")
	}
	jwks := b.Fields.Text("jwks_uri")
	if err := s.client.CheckURL("jwks_uri", jwks); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.found) >= keysCount {
		clear(s.found)
	}
	s.found[key] = discovered{jwks: jwks, until: time.Now().Add(time.Hour)}
	return jwks, nil
}

func (l *lookup) failed() bool { return l.err != nil }

// VerifySignature is oidc.KeySet: it returns the payload if one of the issuer's keys signed it.
func (l *lookup) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(token, algorithms)
	if err != nil || len(jws.Signatures) != 1 {
		return nil, errors.New("not one signature")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Now().After(l.until) {
		l.refetch(ctx, keysFailed)
	}
	payload, ok := l.try(jws)
	if !ok && l.refetch(ctx, keysPause) {
		payload, ok = l.try(jws)
	}
	if !ok {
		l.err = l.last
		return nil, errors.New("no key of the issuer fits")
	}
	return payload, nil
}

func (k *keySet) try(jws *jose.JSONWebSignature) ([]byte, bool) {
	kid := jws.Signatures[0].Header.KeyID
	for _, key := range k.keys {
		if kid != "" && key.KeyID != kid || key.Use != "" && key.Use != "sig" {
			continue
		}
		if payload, err := jws.Verify(&key); err == nil {
			return payload, true
		}
	}
	return nil, false
}

// refetch asks the issuer again, unless that was done less than pause ago; false: it was.
func (k *keySet) refetch(ctx context.Context, pause time.Duration) bool {
	if !k.asked.IsZero() && time.Since(k.asked) < pause {
		return false
	}
	k.last = k.fetch(ctx)
	k.asked = time.Now()
	return true
}

func (k *keySet) fetch(ctx context.Context) error {
	a := k.client.Do(ctx, egress.Request{Method: http.MethodGet, URL: k.url, Header: http.Header{"Accept": {"application/json"}}})
	if a.Err != nil || a.Status != http.StatusOK {
		return errors.New("keys cannot be read")
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(a.Body.Reveal(), &set); err != nil {
		return errors.New("keys are not JSON")
	}
	k.keys = nil
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		// A key of a kind we do not know is none of ours; a symmetric one has no place in a public document.
		if json.Unmarshal(raw, &key) == nil && key.IsPublic() {
			k.keys = append(k.keys, key)
		}
	}
	k.until = time.Now().Add(maxAge(a.Header))
	return nil
}

func maxAge(h http.Header) time.Duration {
	for d := range strings.SplitSeq(h.Get("Cache-Control"), ",") {
		if v, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(d)), "max-age="); ok {
			if n, err := strconv.ParseInt(v, 10, 64); err == nil {
				return min(max(time.Duration(min(n, 1<<30))*time.Second, keysMin), keysMax)
			}
		}
	}
	return time.Hour
}

// algorithms an ID token may be signed with; each provider names its own among them (default RS256). None is symmetric.
var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA}
