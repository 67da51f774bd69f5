// Package google is what the catalogue's data cannot say about Google: its notices are security event tokens (RFC 8417), signed
// with the keys that sign its ID tokens (developers.google.com/identity/protocols/risc, Cross-Account Protection).
//
//	tokens-revoked                      the consent is over
//	account-disabled                    the account cannot be used; its end is account-enabled
//	account-enabled, account-purged     what we hold is tried: the answer is the truth
//	sessions-revoked, account-credential-change-required   the customer is told; the consent stands
//	token-revoked                       names a token by its hash, and no account: the next renewal finds out
//	verification                        a test of the address
package google

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/provider"
)

// kept is how old a token may be: Google tries again for as long as an endpoint is down, and no notice that had its effect is
// forgotten so soon.
const kept = 7 * 24 * time.Hour

// Google has the abilities. The zero value is ready.
type Google struct{}

// VerifyEvent says whether Google has signed a security event token for this app.
func (Google) VerifyEvent(ctx context.Context, t *provider.Target, body []byte, now time.Time) error {
	return t.VerifyEvent(ctx, body, now, kept)
}

// ReadNotices reads a token that was verified. The error is CodeInvalidJSON.
func (Google) ReadNotices(body []byte) ([]provider.Notice, error) {
	parts := bytes.Split(body, []byte("."))
	if len(parts) != 3 {
		return nil, lanyard.Errorf(lanyard.CodeInvalidJSON, "")
	}
	payload, err := base64.RawURLEncoding.DecodeString(string(parts[1]))
	if err != nil {
		return nil, lanyard.Errorf(lanyard.CodeInvalidJSON, "")
	}
	f, err := provider.ReadObject(payload)
	if err != nil {
		return nil, err
	}
	happened := f.Object("events")
	var out []provider.Notice
	for _, uri := range slices.Sorted(maps.Keys(happened)) {
		out = append(out, notice(f, uri, happened.Object(uri)))
	}
	return out, nil
}

func notice(f provider.Fields, uri string, event provider.Fields) provider.Notice {
	name := uri[strings.LastIndexByte(uri, '/')+1:]
	n := provider.Notice{ID: f.Text("jti"), Event: provider.NoticeName(name), At: when(f)}
	subject := event.Object("subject")
	if strings.TrimSuffix(subject.Text("iss"), "/") != strings.TrimSuffix(f.Text("iss"), "/") || subject.Text("sub") == "" {
		return n // of nobody, or of another's account
	}
	n.Subject = subject.Text("sub")
	switch name {
	case "tokens-revoked":
		n.Effect, n.Reason = provider.NoticeGone, lanyard.CodeUserRevoked
	case "account-disabled":
		n.Effect, n.Reason = provider.NoticeBarred, lanyard.CodeAccountDisabled
	case "account-enabled", "account-purged":
		n.Effect = provider.NoticeCheck
	case "sessions-revoked", "account-credential-change-required":
		n.Effect = provider.NoticeAlert
	}
	return n
}

// when is the end of the second in which it happened: a consent in the same second may be the one that is over.
func when(f provider.Fields) time.Time {
	for _, name := range []string{"toe", "iat"} {
		var text string
		switch v := f[name].(type) {
		case json.Number:
			text, _, _ = strings.Cut(v.String(), ".")
		case string:
			text = v
		}
		if s, err := strconv.ParseInt(text, 10, 64); err == nil && s > 0 && s < 1<<33 {
			return time.Unix(s, 0).Add(time.Second - 1)
		}
	}
	return time.Time{}
}
