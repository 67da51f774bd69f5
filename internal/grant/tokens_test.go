package grant

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lanyard"
)

func TestTokensComeBackAsTheyWere(t *testing.T) {
	for name, set := range map[string]lanyard.TokenSet{
		"nothing": {},
		"all": {Access: lanyard.NewSecret("access"), Refresh: lanyard.NewSecret("refresh"), IDToken: lanyard.NewSecret("id"), TokenType: "Bearer",
			ExpiresAt: time.Unix(1_800_000_000, 0).UTC(), Scopes: []string{"a", "", "b c"}, APIBase: "https://api.example.com"},
		"no scopes, which is known": {Access: lanyard.NewSecret("access"), Scopes: []string{}},
		"before 1970":               {Access: lanyard.NewSecret("access"), ExpiresAt: time.Unix(-5, 0).UTC()},
		"long":                      {Access: lanyard.NewSecret(string(bytes.Repeat([]byte("x"), 70_000)))},
	} {
		got, err := decode(encode(set))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(toStored(set), toStored(got)); diff != "" {
			t.Errorf("%s: want, got: %s", name, diff)
		}
	}
}

// What is sealed opens only as it was sealed, so this sees our own bytes. If it
// ever does not, it must neither panic nor take up memory by a length it was told.
func FuzzDecodeTokens(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte(`{"a":"x","s":null}`))
	f.Add(encode(lanyard.TokenSet{Access: lanyard.NewSecret("a"), Scopes: []string{"s"}}).Reveal())
	f.Add([]byte{tokensFormat, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		set, err := decode(lanyard.SecretBytes(b))
		if err != nil {
			if !errors.Is(err, lanyard.CodeTampered) {
				t.Errorf("got %v, want %s", err, lanyard.CodeTampered)
			}
			return
		}
		again, err := decode(encode(set))
		if diff := cmp.Diff(toStored(set), toStored(again)); err != nil || diff != "" {
			t.Errorf("%v: %s", err, diff)
		}
	})
}
