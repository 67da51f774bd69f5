package lanyard_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"lanyard"
)

func TestIDsAreValidAndSorted(t *testing.T) {
	last := ""
	for range 1000 {
		id := string(lanyard.NewID[lanyard.ConnectionID]("con_"))
		if !lanyard.ValidID("con_", id) {
			t.Fatalf("got %q, want a valid id", id)
		}
		if id[:12] < last {
			t.Fatalf("got %q after %q, want them sorted by time", id, last)
		}
		last = id[:12]
	}
	before := ""
	for range 1000 {
		id := string(lanyard.NewID[lanyard.EventID]("evt_"))
		if id <= before {
			t.Fatalf("got %q after %q, want what is made a microsecond later behind it", id, before)
		}
		before = id
		for began := time.Now(); time.Since(began) < time.Microsecond; { //nolint:revive // a sleep is longer
		}
	}
	for _, bad := range []string{"", "con_", "con_x", "grt_01jz0000000000000000000000", "con_01JZ0000000000000000000000", "con_01jz00000000000000000000il"} {
		if lanyard.ValidID("con_", bad) {
			t.Errorf("got %q valid, want refused", bad)
		}
	}
}

func TestSecretDoesNotPrint(t *testing.T) {
	const mark = "s3cr3t-marker"
	s := lanyard.NewSecret(mark)
	type holder struct {
		s lanyard.Secret
		P *lanyard.Secret
	}
	h := holder{s, &s}
	var out strings.Builder
	for _, v := range []any{s, &s, h, &h, []lanyard.Secret{s}, map[string]lanyard.Secret{"a": s}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p"} {
			fmt.Fprintf(&out, verb, v)
		}
		if j, err := json.Marshal(v); err == nil {
			out.Write(j)
		}
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
	}
	for _, shape := range []string{mark, fmt.Sprintf("%x", mark), fmt.Sprintf("%v", []byte(mark)), fmt.Sprintf("%d", []byte(mark))} {
		if strings.Contains(strings.ToLower(out.String()), strings.ToLower(shape)) {
			t.Errorf("the secret shows itself as %q", shape)
		}
	}
	if string(s.Reveal()) != mark || s.Equal(lanyard.Secret{}) || (lanyard.Secret{}).Equal(lanyard.Secret{}) || !s.Equal(lanyard.NewSecret(mark)) {
		t.Error("Reveal or Equal is wrong")
	}
}

func TestStatusIsWorstFirst(t *testing.T) {
	states := []lanyard.ConnectionState{lanyard.Live, lanyard.Paused, lanyard.Revoked}
	healths := []lanyard.Health{lanyard.Healthy, lanyard.Degraded, lanyard.Dead}
	rank := []lanyard.Status{lanyard.StatusActive, lanyard.StatusPartial, lanyard.StatusDegraded,
		lanyard.StatusNeedsReauth, lanyard.StatusPaused, lanyard.StatusRevoked}
	for si, state := range states {
		for hi, health := range healths {
			for mi, missing := range [][]string{nil, {"x"}} {
				want := 0
				switch {
				case si > 0:
					want = si + 3
				case hi > 0:
					want = hi + 1
				case mi > 0:
					want = 1
				}
				if got := lanyard.StatusOf(state, health, missing); got != rank[want] {
					t.Errorf("%s, %s, missing %v: got %s, want %s", state, health, missing, got, rank[want])
				}
			}
		}
	}
}

// The digits that are taken are those that IDs are made of.
func TestDigitsOfIDs(t *testing.T) {
	rest := "06h1wa0grhv7da7ndymrvh4kr"
	for c := range 256 {
		want := strings.ContainsRune("0123456789abcdefghjkmnpqrstvwxyz", rune(c)) && c < 128
		if got := lanyard.ValidID("con_", "con_"+rest+string([]byte{byte(c)})); got != want {
			t.Errorf("%q: got %v, want %v", rune(c), got, want)
		}
	}
	for _, prefix := range []string{"", "_", "c_", "Con_", "conne_", "con", "c-n_"} {
		if lanyard.ValidID(prefix, prefix+rest+"m") {
			t.Errorf("got a valid ID with the prefix %q", prefix)
		}
	}
}

// Vendors' clients know a connection by another prefix, and by no other shape.
func TestVendorsIDs(t *testing.T) {
	id := lanyard.NewID[lanyard.ConnectionID]("con_")
	theirs := id.Vendor("zoc_")
	if got := lanyard.VendorID[lanyard.ConnectionID]("zoc_", "con_", theirs); got != id || theirs[:4] != "zoc_" {
		t.Errorf("got %q from %q, want %q", got, theirs, id)
	}
	for _, bad := range []string{"", "zoc_", string(id), theirs + "0", "zoa_" + theirs[4:], "zoc_abcdefghijklmnop"} {
		if got := lanyard.VendorID[lanyard.ConnectionID]("zoc_", "con_", bad); got != "" {
			t.Errorf("%q: got %q, want none", bad, got)
		}
	}
}
