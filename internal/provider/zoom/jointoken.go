package zoom

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"lanyard"
	"lanyard/internal/provider"
)

// defaultLife is how long OBF and ZAK tokens live unless another time is asked for; we ask for none (T21).
const defaultLife = 2 * time.Hour

// OnBehalfToken mints an on-behalf token for one meeting (GET /v2/users/me/token?type=onbehalf). The meeting is a number of
// 9 to 11 digits. The time is when it expires at the latest.
//
// Errors: see apiError; an access token that is refused is provider.ErrTokenRefused.
func (Zoom) OnBehalfToken(ctx context.Context, t *provider.Target, tokens lanyard.TokenSet, meeting string) (lanyard.Secret, time.Time, error) {
	if !number.MatchString(meeting) {
		return lanyard.Secret{}, time.Time{}, lanyard.Errorf(lanyard.CodeInvalidMeetingLink, "a Zoom meeting number has 9 to 11 digits")
	}
	return mint(ctx, t, tokens, OnBehalf, "/v2/users/me/token", url.Values{"type": {"onbehalf"}, "meeting_id": {meeting}})
}

// ZAK mints a token that acts as the person (GET /v2/users/me/zak). Errors as for OnBehalfToken.
func (Zoom) ZAK(ctx context.Context, t *provider.Target, tokens lanyard.TokenSet) (lanyard.Secret, time.Time, error) {
	return mint(ctx, t, tokens, ZAK, "/v2/users/me/zak", nil)
}

// LocalRecordingToken mints a token by which a bot may record a meeting of this host
// (GET /v2/meetings/{id}/jointoken/local_recording). The waiting room stays as the host set it. Errors as for OnBehalfToken, and
// CodeHostRequired.
func (Zoom) LocalRecordingToken(ctx context.Context, t *provider.Target, tokens lanyard.TokenSet, meeting string) (lanyard.Secret, time.Time, error) {
	if !number.MatchString(meeting) {
		return lanyard.Secret{}, time.Time{}, lanyard.Errorf(lanyard.CodeInvalidMeetingLink, "a Zoom meeting number has 9 to 11 digits")
	}
	return mint(ctx, t, tokens, LocalRecording, "/v2/meetings/"+meeting+"/jointoken/local_recording", nil)
}

func mint(ctx context.Context, t *provider.Target, tokens lanyard.TokenSet, typ, path string, query url.Values) (lanyard.Secret, time.Time, error) {
	a, err := t.Call(ctx, tokens, path, query)
	if err != nil {
		return lanyard.Secret{}, time.Time{}, err
	}
	if a.Status != 200 {
		return lanyard.Secret{}, time.Time{}, apiError(typ, a)
	}
	token, _ := a.Fields["token"].(string)
	if !visible(token) {
		return lanyard.Secret{}, time.Time{}, lanyard.Errorf(lanyard.CodeProviderAnswerInvalid, "Zoom's answer has no token in it")
	}
	return lanyard.NewSecret(token), expiry(typ, a), nil
}

// expiry counts from when the request was sent, so that it is never later than Zoom's own; zero: not said.
func expiry(typ string, a provider.APIAnswer) time.Time {
	for _, name := range []string{"expire_in", "expires_in"} {
		if n, ok := a.Fields[name].(json.Number); ok {
			if s, err := n.Int64(); err == nil && s > 0 && s <= 366*24*3600 {
				return a.SentAt.Add(time.Duration(s) * time.Second)
			}
		}
	}
	if typ == LocalRecording {
		return time.Time{} // Zoom gives no default for these
	}
	return a.SentAt.Add(defaultLife)
}

func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}
