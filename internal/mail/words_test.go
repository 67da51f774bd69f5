package mail

import (
	"maps"
	"net/mail"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lanyard"
)

var names = regexp.MustCompile(`\{[a-z_]*\}`)

// known are the names that the code fills in, by letter.
var known = map[string][]string{
	"connection.needs_reauth": {"{project}", "{provider}", "{connection}", "{end_user}", "{reason}"},
	"connection.expiring":     {"{project}", "{provider}", "{connection}", "{end_user}", "{date}"},
	"app.misconfigured":       {"{project}", "{provider}", "{app}", "{app_id}", "{reason}", "{error}"},
	"endpoint.disabled":       {"{project}", "{endpoint}", "{host}", "{reason}"},
	"digest":                  {"{project}", "{count}"},
	"test":                    {},
}

// Every language has every text, with the same names in it, and no name that nobody
// fills in; and every letter that can be sent has one.
func TestEveryLanguageHasEveryText(t *testing.T) {
	all, err := loadWords()
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(all)); !slices.Equal(got, []string{"de", "en"}) {
		t.Fatalf("got languages %v", got)
	}
	en := all["en"]
	for lang, w := range all {
		for what, texts := range map[string][2]map[string]string{"lines": {w.Lines, en.Lines}, "reasons": {w.Reasons, en.Reasons}} {
			if got, want := slices.Sorted(maps.Keys(texts[0])), slices.Sorted(maps.Keys(texts[1])); !slices.Equal(got, want) {
				t.Errorf("%s: %s: got %v, want %v", lang, what, got, want)
			}
			for key, text := range texts[0] {
				if text == "" || !slices.Equal(names.FindAllString(text, -1), names.FindAllString(texts[1][key], -1)) {
					t.Errorf("%s: %s: %s: %q has other names in it than %q", lang, what, key, text, texts[1][key])
				}
			}
		}
		for key := range w.Reasons {
			if key != "other" && lanyard.RowOf(lanyard.Code(key)).Code == "" {
				t.Errorf("%s: reason %s is not a code of docs/errors.md", lang, key)
			}
		}
		if names.FindString(w.Signature) != "{project}" || names.FindString(w.More) != "{count}" || w.Soon == "" {
			t.Errorf("%s: got %q, %q, %q", lang, w.Signature, w.More, w.Soon)
		}
		if got, want := slices.Sorted(maps.Keys(w.Letters)), slices.Sorted(maps.Keys(en.Letters)); !slices.Equal(got, want) {
			t.Errorf("%s: letters: got %v, want %v", lang, got, want)
		}
		for key, l := range w.Letters {
			used := func(l lettersInTheirs) []string {
				found := names.FindAllString(strings.Join(slices.Concat([]string{l.Subject, l.Button}, l.Text, l.After), "\n"), -1)
				slices.Sort(found)
				return slices.Compact(found)
			}
			if got, want := used(l), used(en.Letters[key]); !slices.Equal(got, want) {
				t.Errorf("%s: %s: names %v, want %v", lang, key, got, want)
			}
			kind, _, _ := strings.Cut(key, "/")
			for _, name := range used(l) {
				if !slices.Contains(known[kind], name) {
					t.Errorf("%s: %s: nobody fills in %s", lang, key, name)
				}
			}
			if l.Subject == "" || len(l.Text) == 0 || strings.HasPrefix(kind, "connection.") != (l.Button != "") {
				t.Errorf("%s: %s is not whole", lang, key)
			}
		}
	}
	for _, kind := range lanyard.MailedTypes {
		if _, ok := en.Letters[string(kind)+"/project"]; !ok || en.Lines[string(kind)] == "" {
			t.Errorf("there is no letter to a project for %s", kind)
		}
	}
}

// The page for whoever changes the texts names what is filled in.
func TestThePageNamesWhatIsFilledIn(t *testing.T) {
	page, err := os.ReadFile("../../docs/mail.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range known {
		for _, name := range list {
			if !strings.Contains(string(page), "`"+name+"`") {
				t.Errorf("docs/mail.md does not say what %s is", name)
			}
		}
	}
}

// A value with a name in braces is not filled in again, and one with lines has none.
func TestValuesAreOneLineOfText(t *testing.T) {
	got := filled("{a} and {b}", map[string]string{"a": "{b}", "b": "{a}"})
	if got != "{b} and {a}" {
		t.Errorf("got %q", got)
	}
	for in, want := range map[string]string{
		"Acme\r\nBcc: x@evil.example":  "Acme Bcc: x@evil.example",
		"a\x00b\u202ec\u2066d\u2028 e": "abcd e",
		"  two   words\t":              "two words",
		strings.Repeat("ä", 101):       strings.Repeat("ä", 99) + "…",
		"Müller & Söhne":               "Müller & Söhne",
	} {
		if got := oneLine(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// Even a letter whose texts were not looked at before has the headers that it should
// have, and no other.
func FuzzLetter(f *testing.F) {
	f.Add("subject\r\nBcc: x@evil.example", "ops@customer.example", "text\r\n.\r\nQUIT")
	f.Add("=?utf-8?q?x=0d=0aBcc:?=", "a@b.example>\r\nRCPT TO:<c@d.example", "\u2028")
	f.Fuzz(func(t *testing.T, subject, to, text string) {
		s, err := New(Config{Server: &Server{}, From: mail.Address{Address: "lanyard@sender.example"}})
		if err != nil {
			t.Fatal(err)
		}
		m, err := s.message(letter{To: to, Lang: "en", Subject: oneLine(subject), Text: []string{text}, Signature: "s"}, "mc_1")
		if err != nil {
			return
		}
		var raw strings.Builder
		if _, err := m.WriteTo(&raw); err != nil {
			return
		}
		got, err := mail.ReadMessage(strings.NewReader(raw.String()))
		if err != nil {
			t.Fatalf("it cannot be read: %v", err)
		}
		for name := range got.Header {
			switch name {
			case "Subject", "To", "From", "Date", "Message-Id", "Mime-Version", "Content-Type", "Auto-Submitted", "X-Auto-Response-Suppress", "Content-Language":
			default:
				t.Errorf("got a header %s", name)
			}
		}
		if list, err := got.Header.AddressList("To"); err != nil || len(list) != 1 || list[0].Address != to {
			t.Errorf("got %v %v, want it to go to %q alone", list, err, to)
		}
	})
}
