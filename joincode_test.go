package lanyard_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"lanyard"
)

// docs/join-codes.md is what people look things up in; it has each code once, as the
// program knows it, and no other.
func TestJoinCodesAsDocumented(t *testing.T) {
	raw, err := os.ReadFile("docs/join-codes.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `(\\d+)` \\| `(\\w+)` \\| `(\\w+)` \\| (.+) \\|$")
	head := regexp.MustCompile("(?m)^## .*`(web|native|native_end)`")
	sections := head.FindAllStringSubmatchIndex(string(raw), -1)
	var documented []lanyard.JoinFailure
	for i, at := range sections {
		end := len(raw)
		if i+1 < len(sections) {
			end = sections[i+1][0]
		}
		for _, m := range row.FindAllStringSubmatch(string(raw[at[0]:end]), -1) {
			documented = append(documented, lanyard.JoinFailure{SDK: string(raw[at[2]:at[3]]), Number: m[1], Name: m[2], Class: lanyard.JoinClass(m[3]), Say: m[4]})
		}
	}
	known := lanyard.JoinCodes("")
	for i, f := range known {
		if i >= len(documented) || documented[i] != f {
			t.Fatalf("docs/join-codes.md: want, as row %d:\n%s: | `%s` | `%s` | `%s` | %s |", i+1, f.SDK, f.Number, f.Name, f.Class, f.Say)
		}
	}
	if len(documented) != len(known) {
		t.Errorf("docs/join-codes.md has %d codes, the program %d", len(documented), len(known))
	}
	classes := regexp.MustCompile("(?m)^\\| `(\\w+)` \\| `(\\w+)` \\| (yes|no) \\|").FindAllStringSubmatch(string(raw), -1)
	said := map[string][2]string{}
	for _, m := range classes {
		said[m[1]] = [2]string{m[2], m[3]}
	}
	for _, f := range known {
		passes := map[bool]string{true: "yes", false: "no"}[f.Passes()]
		if want := [2]string{string(f.Reason()), passes}; said[string(f.Class)] != want {
			t.Errorf("docs/join-codes.md: class %s: got %v, want %v", f.Class, said[string(f.Class)], want)
		}
	}
}

// Every code leads to a row of docs/errors.md with a next step; whoever is meant by it is
// told in words.
func TestJoinCodes(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range lanyard.JoinCodes("") {
		row := lanyard.RowOf(f.Reason())
		if seen[f.SDK+f.Number] || seen[f.SDK+f.Name] || row.Code != f.Reason() || f.Do() == "" || !strings.HasSuffix(f.Say, ".") {
			t.Errorf("got %+v with reason %q, want it once, a sentence, and a next step", f, row.Code)
		}
		seen[f.SDK+f.Number], seen[f.SDK+f.Name] = true, true
		if again, ok := lanyard.JoinCode(f.SDK, f.Number); !ok || again != f {
			t.Errorf("%s %s: got %+v", f.SDK, f.Number, again)
		}
		if again, ok := lanyard.JoinCode("", strings.ToLower(f.Name)); !ok || again != f {
			t.Errorf("%s: got %+v", f.Name, again)
		}
	}
	for _, c := range []struct {
		sdk, code string
		want      lanyard.JoinClass // "": not known
	}{
		{"web", "4017", lanyard.JoinWaitForPerson}, {"native", "501", lanyard.JoinWaitForPerson}, {"", "4017", lanyard.JoinWaitForPerson},
		{"", "501", lanyard.JoinWaitForPerson}, {"native_end", "8", lanyard.JoinPersonLeft}, {"native", "8", lanyard.JoinNoMeeting},
		{"", "8", lanyard.JoinNoMeeting}, {"web", "1", lanyard.JoinWaitForPerson}, {"native", "1", lanyard.JoinTryAgain}, {"", "1", lanyard.JoinTryAgain},
		{"", " 4011 ", lanyard.JoinNotPublished}, {"native", "63", lanyard.JoinNotPublished}, {"native", "504", lanyard.JoinNeedsToken},
		{"web", "4012", lanyard.JoinNeedsToken}, {"native", "502", lanyard.JoinOneToken}, {"native", "500", lanyard.JoinMintAgain},
		{"web", "3100", lanyard.JoinNeedsZAK}, {"native", "82", lanyard.JoinNeedsZAK}, {"web", "3004", lanyard.JoinWrongPasscode},
		{"web", "6603", lanyard.JoinBlocked}, {"web", "3712", lanyard.JoinSignature}, {"web", "501", ""}, {"native", "4017", ""}, {"ios", "4017", ""},
		{"linux", "501", lanyard.JoinWaitForPerson}, {"android", "8", ""},
		{"", "", ""}, {"", "4018", ""}, {"web", "4017 OR 1", ""}, {"", "０", ""},
	} {
		if f, ok := lanyard.JoinCode(c.sdk, c.code); f.Class != c.want || ok != (c.want != "") {
			t.Errorf("%s %q: got %q, %v, want %q", c.sdk, c.code, f.Class, ok, c.want)
		}
	}
}
