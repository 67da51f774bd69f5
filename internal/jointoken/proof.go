package jointoken

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"unicode/utf8"

	"lanyard"
)

// Proof is what the call of a token URL proves itself with, beside the URL.
type Proof struct {
	Body      []byte         // one JSON object
	Signature string         // Attendee's: HMAC-SHA256 of the canonical body, base64
	Secret    lanyard.Secret // MeetStream's, as it is
}

// Proved says whether a call comes from whom the URL was given to; any does where the URL
// was made without a signing secret. Error: token_url_invalid.
func (s *Service) Proved(ctx context.Context, u lanyard.TokenURL, p Proof) error {
	d, err := s.openURL(ctx, u)
	if err != nil || len(d.Signing) == 0 {
		return err
	}
	switch u.Contract {
	case lanyard.ContractAttendee:
		canonical, bad := Canonical(p.Body)
		signature, odd := base64.StdEncoding.DecodeString(p.Signature)
		mac := hmac.New(sha256.New, d.Signing)
		mac.Write(canonical)
		if bad == nil && odd == nil && hmac.Equal(mac.Sum(nil), signature) {
			return nil
		}
	default:
		if subtle.ConstantTimeCompare(p.Secret.Reveal(), d.Signing) == 1 {
			return nil
		}
	}
	return lanyard.Errorf(lanyard.CodeTokenURLInvalid, "the call is not signed with the secret that this token URL was made with")
}

// Canonical writes JSON as Attendee signs it, which is not how it sends it: the members of
// every object sorted, no spaces, every character as it is (Python's json.dumps with
// sort_keys, separators "," and ":", without ensure_ascii). Numbers stay as they are written.
func Canonical(raw []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	return canonical(make([]byte, 0, len(raw)), v), nil
}

func canonical(b []byte, v any) []byte {
	switch v := v.(type) {
	case map[string]any:
		b = append(b, '{')
		for i, name := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				b = append(b, ',')
			}
			b = canonical(append(quoted(b, name), ':'), v[name])
		}
		return append(b, '}')
	case []any:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = canonical(b, e)
		}
		return append(b, ']')
	case string:
		return quoted(b, v)
	case json.Number:
		return append(b, v...)
	case bool:
		if v {
			return append(b, "true"...)
		}
		return append(b, "false"...)
	}
	return append(b, "null"...)
}

// quoted writes a string as Python does, which escapes what it must and no more.
func quoted(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r >= ' ':
			b = utf8.AppendRune(b, r)
		case r == '\b':
			b = append(b, '\\', 'b')
		case r == '\f':
			b = append(b, '\\', 'f')
		case r == '\n':
			b = append(b, '\\', 'n')
		case r == '\r':
			b = append(b, '\\', 'r')
		case r == '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		}
	}
	return append(b, '"')
}
