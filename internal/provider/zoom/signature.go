package zoom

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"time"

	"lanyard"
	"lanyard/internal/provider"
)

// What Zoom takes as exp - iat of a signature, and how far iat lies in the past because clocks differ.
const (
	shortest = 1800 * time.Second
	longest  = 172_800 * time.Second
	skew     = 30 * time.Second
)

// SDKSignature makes the JWT that the Meeting SDK is started with (HS256, key is the client secret; of the app alone, no person is
// in it). iat lies half a minute back. exp is life from now, as long as Zoom allows it counted from iat. Without a meeting number
// it is for the native SDKs' SDKAuth; the web SDK needs number and role.
//
// Errors: CodeInvalidRequest for a life, role or number that Zoom does not take.
func (Zoom) SDKSignature(c provider.Credentials, want provider.SDKSignature, now time.Time) (provider.SDKSigned, error) {
	if want.Life < shortest || want.Life > longest {
		return provider.SDKSigned{}, lanyard.Errorf(lanyard.CodeInvalidRequest, "lifetime_seconds: Zoom takes 1800 to 172800")
	}
	if want.Role != 0 && want.Role != 1 {
		return provider.SDKSigned{}, lanyard.Errorf(lanyard.CodeInvalidRequest, "role: 0 for a participant, 1 for the host")
	}
	iat := now.Add(-skew).Truncate(time.Second)
	exp := now.Add(want.Life).Truncate(time.Second)
	if latest := iat.Add(longest); exp.After(latest) {
		exp = latest
	}
	claims := map[string]any{"appKey": c.ClientID, "sdkKey": c.ClientID, "iat": iat.Unix(), "exp": exp.Unix(), "tokenExp": exp.Unix()}
	if want.Meeting != "" {
		n, err := strconv.ParseInt(want.Meeting, 10, 64)
		if err != nil || !number.MatchString(want.Meeting) {
			return provider.SDKSigned{}, lanyard.Errorf(lanyard.CodeInvalidMeetingLink, "a Zoom meeting number has 9 to 11 digits")
		}
		claims["mn"], claims["role"] = n, want.Role
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return provider.SDKSigned{}, err
	}
	b64 := base64.RawURLEncoding.EncodeToString
	text := b64([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + b64(body)
	mac := hmac.New(sha256.New, c.Secret.Reveal())
	mac.Write([]byte(text))
	return provider.SDKSigned{Signature: lanyard.NewSecret(text + "." + b64(mac.Sum(nil))), ClientID: c.ClientID, IssuedAt: iat, ExpiresAt: exp,
		SDK: provider.SDKNames{Web: "signature", Native: "jwt_token", Android: "jwtToken", IOS: "jwtToken"}}, nil
}
