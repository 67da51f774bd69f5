package provider

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"lanyard"
)

// fresh is how far the time of a signed notice may be from ours.
const fresh = 5 * time.Minute

var unixTime = regexp.MustCompile(`^[0-9]{1,12}$`)

// SignedV0 says whether these very bytes were signed with the secret as Zoom and Slack do it ("v0=" and the HMAC-SHA256 of
// "v0:{time}:{body}"), within five minutes of now, and only once: with two signatures somebody has put one beside the
// provider's. It takes as long for a wrong signature as for a right one.
func SignedV0(h http.Header, signature, at string, body []byte, secret lanyard.Secret, now time.Time) bool {
	signatures, times := h.Values(signature), h.Values(at)
	if len(signatures) != 1 || len(times) != 1 || !unixTime.MatchString(times[0]) || secret.Empty() {
		return false
	}
	want := "v0=" + HexMAC(secret, "v0:"+times[0]+":", body)
	sent, err := strconv.ParseInt(times[0], 10, 64)
	age := now.Sub(time.Unix(sent, 0))
	return hmac.Equal([]byte(want), []byte(signatures[0])) && err == nil && -fresh <= age && age <= fresh
}

// HexMAC is the HMAC-SHA256 of head and body, in hexadecimal.
func HexMAC(secret lanyard.Secret, head string, body []byte) string {
	m := hmac.New(sha256.New, secret.Reveal())
	m.Write([]byte(head))
	m.Write(body)
	return hex.EncodeToString(m.Sum(nil))
}

// VerifyEvent verifies a security event token (RFC 8417) for this app: one signature by the provider's keys, its issuer, the
// client among its audience, an id, and an age of at most kept. An ID token is none, although the same keys sign it: it has
// no events. Errors: CodeNoticeRefused; CodeProviderUnavailable where the keys cannot be had.
func (t *Target) VerifyEvent(ctx context.Context, raw []byte, now time.Time, kept time.Duration) error {
	refused := lanyard.Errorf(lanyard.CodeNoticeRefused, "")
	if t.ClientID == "" || t.Issuer == "" || !t.hasKeys() {
		return refused
	}
	ctx, stop := context.WithTimeout(ctx, eventTimeout)
	defer stop()
	unavailable := lanyard.Errorf(lanyard.CodeProviderUnavailable, "%s: the keys for its notices cannot be read", t.Name)
	keys, err := t.keys.of(ctx, t.def.Endpoints)
	if err != nil {
		return unavailable
	}
	v := oidc.NewVerifier("", keys, &oidc.Config{ClientID: t.ClientID, SupportedSigningAlgs: t.def.Identity.Algorithms,
		SkipIssuerCheck: true, SkipExpiryCheck: true}) // the issuer is compared below, in either spelling; there is no expiry
	token, err := v.Verify(ctx, string(raw))
	if err != nil {
		if keys.failed() {
			return unavailable
		}
		return refused
	}
	var payload rawClaims
	if err := token.Claims(&payload); err != nil {
		return refused
	}
	b := readBody(payload, false)
	age := now.Sub(token.IssuedAt)
	if !b.whole || b.odd || strings.TrimSuffix(token.Issuer, "/") != strings.TrimSuffix(t.Issuer, "/") || b.Fields.Text("jti") == "" ||
		len(b.Fields.Object("events")) == 0 || token.IssuedAt.IsZero() || age < -fresh || age > kept {
		return refused
	}
	return nil
}

// eventTimeout leaves of the three seconds that a notice has enough for the rest.
const eventTimeout = 2 * time.Second
