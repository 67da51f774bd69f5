package webhook

import (
	"crypto/ed25519"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"lanyard"
)

// The vectors that the reference libraries of Standard Webhooks are tested with.
const (
	vectorID   = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorBody = `{"test": 2432232314}`
	vectorUnix = 1614265330
)

func decode(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSignaturesAreThoseOfTheSpecification(t *testing.T) {
	content := signedContent(vectorID, time.Unix(vectorUnix, 0), []byte(vectorBody))
	got := symmetric(decode(t, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), content)
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("v1: got %s, want %s", got, want)
	}
	got = asymmetric(ed25519.NewKeyFromSeed(decode(t, "VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=")), content)
	if want := "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag=="; got != want {
		t.Errorf("v1a: got %s, want %s", got, want)
	}
}

// verify checks a message as a receiver does who has one key: any of the signatures
// may be by it.
func verify(t *testing.T, h http.Header, body []byte, secret, public string) (v1, v1a bool) {
	t.Helper()
	signed := []byte(h.Get(HeaderID) + "." + h.Get(HeaderTimestamp) + "." + string(body))
	for one := range strings.SplitSeq(h.Get(HeaderSignature), " ") {
		kind, sig, _ := strings.Cut(one, ",")
		switch kind {
		case "v1":
			v1 = v1 || one == symmetric(decode(t, strings.TrimPrefix(secret, "whsec_")), signed)
		case "v1a":
			v1a = v1a || ed25519.Verify(decode(t, strings.TrimPrefix(public, "whpk_")), signed, decode(t, sig))
		default:
			t.Errorf("a signature of kind %q", kind)
		}
	}
	return v1, v1a
}

func TestARotationSignsWithBoth(t *testing.T) {
	is, was, other := newSecret(), newSecret(), newSecret()
	h := http.Header{}
	sign(h, "evt_1", time.Now(), []byte("{}"), []lanyard.Secret{is, was})
	for name, c := range map[string]struct {
		secret lanyard.Secret
		want   bool
	}{"new": {is, true}, "old": {was, true}, "another": {other, false}} {
		v1, v1a := verify(t, h, []byte("{}"), string(shown(lanyard.FormatStandard, c.secret).Reveal()), publicKey(c.secret))
		if v1 != c.want || v1a != c.want {
			t.Errorf("%s: got v1 %v and v1a %v, want %v", name, v1, v1a, c.want)
		}
		if v1, v1a := verify(t, h, []byte("{} "), string(shown(lanyard.FormatStandard, c.secret).Reveal()), publicKey(c.secret)); v1 || v1a {
			t.Errorf("%s: another body has this signature", name)
		}
	}
}

func TestExcerpt(t *testing.T) {
	secret := string(shown(lanyard.FormatStandard, newSecret()).Reveal())
	for name, c := range map[string]struct{ in, want string }{
		"nothing":              {"", ""},
		"plain":                {" not  today\r\n", "not  today"},
		"our secret":           {"got " + secret + "!", "got [redacted]!"},
		"a short one of ours":  {"it is hush.", "it is [redacted]."},
		"a token":              {`{"t":"` + strings.Repeat("eyJh.", 10) + `"}`, `{"t":"[redacted]"}`},
		"a UUID":               {"0190b3f0-0000-7000-8000-000000000000", "0190b3f0-0000-7000-8000-000000000000"},
		"control characters":   {"a\x00b\x1b[31mc\u202ed", "ab[31mcd"},
		"not UTF-8":            {"a\xffb", "a\uFFFDb"},
		"501 characters":       {strings.Repeat("ä ", 250) + "x", strings.Repeat("ä ", 249) + "ä…"},
		"a secret that is cut": {strings.Repeat("a ", mostRead/2-10) + strings.Repeat("s", 20), ""},
	} {
		got := excerpt([]byte(c.in), []string{secret, "hush", ""})
		if c.want == "" && strings.Contains(got, "ss") || c.want != "" && got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
		if n := len([]rune(got)); n > excerptRunes {
			t.Errorf("%s: got %d characters", name, n)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	for in, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, "-1": 0, "soon": 0, "99999999999": mostWait, " 3 ": 3 * time.Second,
		now.Add(time.Minute).Format(http.TimeFormat): time.Minute, now.Add(-time.Minute).Format(http.TimeFormat): 0, now.AddDate(1, 0, 0).Format(http.TimeFormat): mostWait} {
		if got := retryAfter(http.Header{"Retry-After": {in}}, now); got != want {
			t.Errorf("%q: got %v, want %v", in, got, want)
		}
	}
}

// The tries of a delivery go on for about three days, never closer than the schedule,
// and no two deliveries wait for the same time.
func TestTriesGoOnForDays(t *testing.T) {
	total, same := time.Duration(0), 0
	for tries := int64(1); ; tries++ {
		wait, again := next(tries, 0)
		if !again {
			if tries != int64(len(waits))+1 || total < 70*time.Hour || total > 100*time.Hour {
				t.Errorf("got %d tries in %v, want ten in three to four days", tries, total)
			}
			break
		}
		if least := waits[tries-1]; wait < least || wait > least*6/5 {
			t.Errorf("try %d: got %v, want about %v", tries, wait, least)
		}
		if other, _ := next(tries, 0); other == wait {
			same++
		}
		if asked, _ := next(tries, 50*time.Hour); asked != 50*time.Hour {
			t.Errorf("try %d: got %v, want what the endpoint asked for", tries, asked)
		}
		total += wait
	}
	if same > 2 {
		t.Errorf("got %d equal times, want jitter", same)
	}
}
