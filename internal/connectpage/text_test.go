package connectpage

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lanyard/internal/flow"
)

// samples are invitations with every sentence of ours about what a person agrees to
// in one of them. What the catalogue says of a scope is not ours.
func samples() []flow.Invitation {
	asked := []flow.Permission{{Scope: "a:read", Say: "SEE A"}, {Scope: "b:write", Say: "CHANGE B", Writes: true, Sensitive: true}}
	full := flow.Invitation{ProjectName: "PROJECT", Provider: "provider", ProviderName: "PROVIDER", Asked: asked,
		Optional: []flow.Permission{{Scope: "c:read", Say: "SEE C", Sensitive: true}}, NotPossible: []string{"NOBODY CAN D."},
		ManageURL: "https://provider.example/manage", PrivacyURL: "https://project.example/privacy", TermsURL: "https://project.example/terms"}
	again := full
	again.Reconnect = true
	return []flow.Invitation{full, again, {ProviderName: "PROVIDER"}}
}

// A record of a consent names the version of the words that the person read, so a
// version means the same words for good. They are in testdata/words-<version>.txt.
func TestAVersionMeansTheSameWords(t *testing.T) {
	p := &Page{say: english}
	var b strings.Builder
	for _, inv := range samples() {
		for _, line := range p.invitation(inv).text().Lines {
			b.WriteString(line + "\n")
		}
		b.WriteString("\n")
	}
	file := filepath.Join("testdata", "words-"+wordsVersion+".txt")
	want, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) && flag.Lookup("update").Value.String() == "true" { // a new version; an old one is never written over
		want = []byte(b.String())
		err = os.WriteFile(file, want, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("what a person agrees to is said in other words: raise wordsVersion, and run with -update; %s stays as it is (-want +got):\n%s", file, d)
	}
}

// What changes by itself, or is about the last try, is not what a person agrees to:
// it must not make another text of the same words. What they agree to must.
func TestWhatMakesAnotherText(t *testing.T) {
	p := &Page{say: english}
	hash := func(change func(*flow.Invitation)) string {
		inv := samples()[0]
		change(&inv)
		return p.invitation(inv).text().Hash()
	}
	was := hash(func(*flow.Invitation) {})
	for name, change := range map[string]func(*flow.Invitation){
		"the time that is left": func(i *flow.Invitation) { i.ExpiresAt = time.Now().Add(time.Hour) },
		"the last try":          func(i *flow.Invitation) { i.LastError = "account_mismatch" },
		"a logo":                func(i *flow.Invitation) { i.LogoURL = "https://project.example/logo.png" },
		"where Cancel leads":    func(i *flow.Invitation) { i.CancelURL = "https://project.example/back" },
		"a pop-up":              func(i *flow.Invitation) { i.Popup = true },
		"the link":              func(i *flow.Invitation) { i.Link = "another" },
	} {
		if hash(change) != was {
			t.Errorf("%s makes another text", name)
		}
	}
	seen := map[string]string{was: "as it was"}
	for name, change := range map[string]func(*flow.Invitation){
		"who asks":        func(i *flow.Invitation) { i.ProjectName = "ANOTHER" },
		"where":           func(i *flow.Invitation) { i.ProviderName = "ANOTHER" },
		"again":           func(i *flow.Invitation) { i.Reconnect = true },
		"one thing less":  func(i *flow.Invitation) { i.Asked = i.Asked[:1] },
		"no more a must":  func(i *flow.Invitation) { i.Asked, i.Optional = i.Asked[:1], append(i.Optional, i.Asked[1]) },
		"other words":     func(i *flow.Invitation) { i.Asked[0].Say = "SEE ALL" },
		"another scope":   func(i *flow.Invitation) { i.Asked[0].Scope = "a:read:all" },
		"it changes, too": func(i *flow.Invitation) { i.Asked[0].Writes = true },
		"not sensitive":   func(i *flow.Invitation) { i.Asked[1].Sensitive = false },
		"what cannot be":  func(i *flow.Invitation) { i.NotPossible = nil },
		"the privacy":     func(i *flow.Invitation) { i.PrivacyURL += "/new" },
		"the terms":       func(i *flow.Invitation) { i.TermsURL = "" },
	} {
		h := hash(change)
		if other, there := seen[h]; there {
			t.Errorf("%s makes the same text as %s", name, other)
		}
		seen[h] = name
	}
	if n := len(was); n != 64 {
		t.Errorf("got a hash of %d characters, want 64", n)
	}
}
