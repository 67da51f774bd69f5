package sandbox

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/go-jose/go-jose/v4"
)

// signer is a provider's RS256 key, made when it is first needed.
type signer struct {
	key *rsa.PrivateKey
	id  string
}

func (k *signer) ready(provider string) error {
	if k.key != nil {
		return nil
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return fmt.Errorf("make the key of %s: %w", provider, err)
	}
	k.key, k.id = key, provider+"-"+randomText(6)
	return nil
}

// sign makes a JWT of claims (RFC 7519, RFC 7515 §3.1).
func (k *signer) sign(provider string, claims object) (string, error) {
	if err := k.ready(provider); err != nil {
		return "", err
	}
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", k.id)
	sig, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: k.key}, options)
	if err != nil {
		return "", fmt.Errorf("sign for %s: %w", provider, err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode claims: %w", err)
	}
	jws, err := sig.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign for %s: %w", provider, err)
	}
	return jws.CompactSerialize()
}

// jwks serves a provider's public key (RFC 7517 §5).
func (s *Sandbox) jwks(p *provider) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if err := p.key.ready(p.id); err != nil {
			s.log.Error("jwks", "error", err)
			http.Error(w, "no key", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Cache-Control", "public, max-age=3600")
		writeJSON(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &p.key.key.PublicKey, KeyID: p.key.id, Algorithm: "RS256", Use: "sig"}}})
	}
}

// idToken makes the id_token of an answer if openid was granted; claims are added to those that all have (OIDC Core §2).
func (s *Sandbox) idToken(p *provider, issuer string, one issued, now int64, claims object) string {
	claims["iss"], claims["aud"], claims["sub"] = issuer, one.grant.client.ID, one.grant.person.ID
	claims["iat"], claims["exp"] = now, now+3600
	claims["at_hash"] = leftHalf(one.access)
	if one.code != nil {
		claims["auth_time"] = one.code.authorized.Unix()
		if one.code.nonce != "" {
			claims["nonce"] = one.code.nonce
		}
	}
	text, err := p.key.sign(p.id, claims)
	if err != nil {
		s.log.Error("id_token", "error", err)
	}
	return text
}

// leftHalf is at_hash (OIDC Core §3.1.3.6).
func leftHalf(access string) string {
	h := sha256.Sum256([]byte(access))
	return base64.RawURLEncoding.EncodeToString(h[:16])
}
