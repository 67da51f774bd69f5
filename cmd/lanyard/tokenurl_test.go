package main

import (
	"strings"
	"testing"
)

// A key has leaked, and whoever withdraws it in a hurry used to be told that all was well,
// while the token URLs that it had made went on handing out tokens.
func TestWithdrawingAKeySaysWhatItHasMade(t *testing.T) {
	p := newPlace(t)
	p.ok("project", "create", "prod")
	port := freePort(t)
	p.serve("--listen", "localhost:"+port, "--public-url", "http://localhost:"+port)
	leaked := func() (id string) {
		t.Helper()
		key := strings.TrimSpace(p.ok("key", "create", "--scope", "connect,join:onbehalf"))
		with := &place{t: t, dir: p.dir, env: append([]string{"LANYARD_SERVER=http://localhost:" + port, "LANYARD_KEY=" + key}, p.env...)}
		for range 2 {
			with.ok("token-url", "create", "--type", "onbehalf", "--host")
		}
		return key[:30]
	}
	says := func(out string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("got %s, want %q", out, w)
			}
		}
	}
	one, two := leaked(), leaked()
	says(p.ok("token-url", "list"), one, two, "MADE BY")
	if out := p.ok("token-url", "list", "--key", one); strings.Count(out, "tu_") != 2 || strings.Contains(out, two) {
		t.Errorf("got %s, want the two of that key", out)
	}
	says(p.ok("key", "revoke", one), "Key "+one+" is withdrawn.", "live on: 2.", "lanyard token-url revoke --key "+one)
	says(p.ok("token-url", "revoke", "--key", one), "now revoked: 2")
	if out := p.ok("key", "revoke", one); strings.Contains(out, "live on") {
		t.Errorf("got %s, want no word of URLs that are over", out)
	}
	says(p.ok("key", "revoke", two, "--with-token-urls"), "Key "+two+" is withdrawn.", "now revoked: 2")
	if out := p.ok("token-url", "list"); strings.Count(out, "revoked") != 4 {
		t.Errorf("got %s, want all four revoked", out)
	}
	for name, args := range map[string][]string{"neither": {"token-url", "revoke"}, "both": {"token-url", "revoke", "tu_00000000000000000000000000", "--key", one}} {
		if code, _, err := p.run(args...); code != exitUsage || !strings.Contains(err, "one of the two") {
			t.Errorf("%s: got %d %s, want to be asked for one of the two", name, code, err)
		}
	}
	if code, _, err := p.run("token-url", "revoke", "--key", "lyk_00000000000000000000000000"); code != exitNotFound {
		t.Errorf("a key that is none: got %d %s", code, err)
	}
}
