package lanyard

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What is told of every move from one status to another, for every cause, in letters:
// rows are what it was, columns what it is.
const eventTable = `
renewal        active          partial         degraded        needs_reauth    paused          revoked
active         -               partial         degraded        needs_reauth    paused          revoked
partial        scopes_changed  -               degraded        needs_reauth    paused          revoked
degraded       recovered       recovered       -               needs_reauth    paused          revoked
needs_reauth   recovered       recovered       degraded        -               paused          revoked
paused         resumed         resumed         resumed         resumed         -               revoked

scopes         active          partial         degraded        needs_reauth    paused          revoked
active         scopes_changed  partial         degraded        needs_reauth    paused          revoked
partial        scopes_changed  scopes_changed  degraded        needs_reauth    paused          revoked
degraded       recovered       recovered       scopes_changed  needs_reauth    paused          revoked
needs_reauth   recovered       recovered       degraded        scopes_changed  paused          revoked
paused         resumed         resumed         resumed         resumed         scopes_changed  revoked

consent        active          partial         degraded        needs_reauth    paused          revoked
active         reconnected     reconnected     reconnected     reconnected     reconnected     revoked
partial        reconnected     reconnected     reconnected     reconnected     reconnected     revoked
degraded       reconnected     reconnected     reconnected     reconnected     reconnected     revoked
needs_reauth   reconnected     reconnected     reconnected     reconnected     reconnected     revoked
paused         reconnected     reconnected     reconnected     reconnected     reconnected     revoked

wish           active          partial         degraded        needs_reauth    paused          revoked
active         -               partial         degraded        needs_reauth    paused          deleted
partial        scopes_changed  -               degraded        needs_reauth    paused          deleted
degraded       recovered       recovered       -               needs_reauth    paused          deleted
needs_reauth   recovered       recovered       degraded        -               paused          deleted
paused         resumed         resumed         resumed         resumed         -               deleted

ended          active          partial         degraded        needs_reauth    paused          revoked
active         -               partial         degraded        needs_reauth    paused          revoked
partial        scopes_changed  -               degraded        needs_reauth    paused          revoked
degraded       recovered       recovered       -               needs_reauth    paused          revoked
needs_reauth   recovered       recovered       degraded        -               paused          revoked
paused         resumed         resumed         resumed         resumed         -               revoked
`

var everyStatus = []Status{StatusActive, StatusPartial, StatusDegraded, StatusNeedsReauth, StatusPaused, StatusRevoked}

func TestWhatIsToldOfEveryMove(t *testing.T) {
	seen := map[EventType]bool{EventConnectionCreated: true}
	cells := 0
	for block := range strings.SplitSeq(strings.TrimSpace(eventTable), "\n\n") {
		lines := strings.Split(block, "\n")
		head := strings.Fields(lines[0])
		for _, line := range lines[1:] {
			row := strings.Fields(line)
			for i, want := range row[1:] {
				if want = "connection." + want; want == "connection.-" {
					want = ""
				}
				got := EventOf(Status(row[0]), Status(head[i+1]), Cause(head[0]))
				if string(got) != want {
					t.Errorf("%s, %s → %s: got %q, want %q", head[0], row[0], head[i+1], got, want)
				}
				seen[got] = true
				cells++
			}
		}
	}
	if want := 5 * 5 * 6; cells != want {
		t.Errorf("the table has %d moves, want %d", cells, want)
	}
	for _, is := range EventTypes {
		if strings.HasPrefix(string(is), "connection.") && is != EventExpiring && !seen[is] {
			t.Errorf("%s is never told", is)
		}
	}
	for _, why := range []Cause{CauseRenewal, CauseScopes, CauseConsent, CauseWish, CauseEnded} {
		for _, is := range everyStatus {
			if got := EventOf("", is, why); got != EventConnectionCreated {
				t.Errorf("%s, new → %s: got %q", why, is, got)
			}
			if got := EventOf(StatusRevoked, is, why); got != "" {
				t.Errorf("%s, revoked → %s: got %q, want nothing after the end", why, is, got)
			}
		}
	}
}

// No move is silent, and what is there and back again is told both ways, by names that
// differ.
func TestNoMoveIsSilent(t *testing.T) {
	for _, was := range everyStatus[:5] {
		for _, is := range everyStatus {
			there, back := EventOf(was, is, CauseRenewal), EventOf(is, was, CauseRenewal)
			if was != is && (there == "" || is != StatusRevoked && there == back) {
				t.Errorf("%s → %s is told as %q, and back as %q", was, is, there, back)
			}
		}
	}
}

func TestAChangeSaysWhatItIsAbout(t *testing.T) {
	c := Connection{ID: "con_1", Project: "prj_1", Provider: "zoom"}
	for name, tc := range map[string]struct {
		change Change
		want   string
	}{
		"nothing":      {Change{Was: StatusActive, Is: StatusActive, Why: CauseRenewal}, ""},
		"new":          {Change{Is: StatusPartial, Why: CauseConsent, Missing: []string{"a", "b"}}, "connection.created provider=zoom scopes_missing=a b status=partial"},
		"lost":         {Change{Was: StatusActive, Is: StatusPartial, Why: CauseScopes, Missing: []string{"b"}, Lost: []string{"b", "c"}}, "connection.partial lost=b c provider=zoom scopes_missing=b status=partial was=active"},
		"dead":         {Change{Was: StatusDegraded, Is: StatusNeedsReauth, Why: CauseRenewal, Reason: CodeUserRevoked}, "connection.needs_reauth provider=zoom reason=user_revoked status=needs_reauth was=degraded"},
		"works again":  {Change{Was: StatusDegraded, Is: StatusActive, Why: CauseRenewal}, "connection.recovered provider=zoom status=active was=degraded"},
		"paused, dead": {Change{Was: StatusNeedsReauth, Is: StatusPaused, Why: CauseWish, Reason: CodeUserRevoked}, "connection.paused provider=zoom status=paused was=needs_reauth"},
	} {
		e, told := c.Changed(tc.change)
		got := string(e.Type)
		for _, name := range []string{"gained", "lost", "provider", "reason", "scopes_missing", "status", "was"} {
			if v, ok := e.Data[name]; ok {
				got += " " + name + "=" + v
			}
		}
		if got != tc.want || told != (tc.want != "") || told && (e.Connection != c.ID || e.Project != c.Project || e.ID == "") {
			t.Errorf("%s: got %q %v, want %q", name, got, e, tc.want)
		}
	}
}

func TestAFilterNamesTypesOfANoun(t *testing.T) {
	for filter, want := range map[EventType]int{"connection.*": 12, "security.*": 7, "app.*": 2, "endpoint.*": 2, "security.tampered": 1,
		"connection.updated": 0, "security.alert": 0, "connection": 0, "connection*": 0, "conn*": 0, "connection.": 0, "*": 0, ".*": 0, "": 0, "connection.re*": 0} {
		got := filter.Matching()
		if len(got) != want || filter.ValidFilter() != (want > 0) {
			t.Errorf("%q: got %v, want %d", filter, got, want)
		}
		for _, is := range EventTypes {
			wants := Endpoint{Types: []EventType{filter}}.Wants(is)
			if wants != slices.Contains(got, is) {
				t.Errorf("%q and %s: an endpoint says %v", filter, is, wants)
			}
		}
	}
	for i, is := range EventTypes {
		if slices.Contains(EventTypes[:i], is) {
			t.Errorf("%s is listed twice", is)
		}
	}
}

// The table in docs/webhooks.md has a row for each type, in their order, and no other.
func TestEveryEventIsDocumented(t *testing.T) {
	page, err := os.ReadFile("docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	var got []EventType
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z]+\\.[a-z_]+)` \\|").FindAllSubmatch(page, -1) {
		got = append(got, EventType(row[1]))
	}
	if !slices.Equal(got, EventTypes) {
		t.Errorf("got %q, want %q", got, EventTypes)
	}
}
