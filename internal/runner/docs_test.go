package runner_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"lanyard"
	"lanyard/internal/runner"
)

// The page says where each vendor is asked, and which of its words are ours; code that
// says another thing sends customers to look in the wrong place.
func TestThePageSaysWhatTheCodeDoes(t *testing.T) {
	raw, err := os.ReadFile("../../docs/runners.md")
	must(t, err)
	page := string(raw)
	for _, k := range lanyard.RunnerKinds {
		row := regexp.MustCompile("(?m)^\\| `" + string(k) + "` \\|.*$").FindString(page)
		if row == "" {
			t.Errorf("no row for %s", k)
		}
		if k != lanyard.RunnerWebhook && !strings.Contains(row, "`"+runner.Base(k)+"`") {
			t.Errorf("%s: the row does not say %s", k, runner.Base(k))
		}
	}
	columns := []lanyard.RunnerKind{lanyard.RunnerAttendee, lanyard.RunnerMeetStream, lanyard.RunnerRecall, lanyard.RunnerMeetingBaaS}
	plain := strings.NewReplacer("_", "", " ", "")
	compared := 0
	for _, state := range lanyard.BotStates {
		row := regexp.MustCompile("(?m)^\\| `" + string(state) + "` \\|.*$").FindString(page)
		if row == "" {
			continue
		}
		cells := strings.Split(strings.Trim(row, "|"), "|")[1:]
		for i, k := range columns {
			words, _, _ := strings.Cut(cells[i], ";") // what follows is said of several words together
			for word := range strings.SplitSeq(words, ",") {
				word = strings.TrimSpace(word)
				if word == "no status yet" {
					continue
				}
				compared++
				pattern := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(strings.ToLower(plain.Replace(word))), "…", ".*") + "$")
				found := false
				for theirs, ours := range runner.States[k] {
					if pattern.MatchString(strings.ToLower(plain.Replace(theirs))) {
						if found = true; ours != state {
							t.Errorf("%s: the page has %q as %s, the code %q as %s", k, word, state, theirs, ours)
						}
					}
				}
				if !found {
					t.Errorf("%s: the code knows no %q", k, word)
				}
			}
		}
	}
	if compared < 35 {
		t.Errorf("got %d words compared, want the table to be read", compared)
	}
}
