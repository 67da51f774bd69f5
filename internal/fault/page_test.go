package fault_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"lanyard/internal/fault"
)

var update = flag.Bool("update", false, "write docs/fault-points.md")

const page = "../../docs/fault-points.md"

func TestPageOfFaultPointsIsThatOfTheTable(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# Fault points

<!-- Made from internal/fault/table.go by: go test ./internal/fault -update -->

Places at which a build with the tag ` + "`faults`" + ` can be made to fail. An ordinary build has none of this.

    go build -tags faults -o lanyard-faults ./cmd/lanyard
    LANYARD_FAULT=spool.sync:error:1:EIO,grant.claimed:kill:3 ./lanyard-faults serve

Each setting is ` + "`point:kind`" + `, then when it strikes (` + "`3`" + ` is the third time, ` + "`3+`" + ` every time from the third on; the first if it is not said), then a parameter.

| Kind | What happens | Parameter |
| --- | --- | --- |
| ` + "`kill`" + ` | the process is gone, as by kill -9 | |
| ` + "`error`" + ` | what is about to be done fails | the error's name: EIO, ENOSPC, EROFS, EACCES, EMFILE, ECONNRESET, ETIMEDOUT |
| ` + "`delay`" + ` | it takes long | how long, such as 2s; one second if it is not said |
| ` + "`panic`" + ` | a bug | |
| ` + "`stop`" + ` | the process stops, until somebody sends SIGCONT | |

## Points

In the order in which a renewal meets them; then those of a start, of connecting, and of the rest.

| Point | Where | Kinds | What must hold |
| --- | --- | --- | --- |
`)
	for _, s := range fault.Table() {
		var kinds []string
		for _, k := range s.Kinds {
			kinds = append(kinds, string(k))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", s.Point, s.Where, strings.Join(kinds, " "), s.Holds)
	}
	b.WriteString("\n## What fails outside\n\n| What | What does it |\n| --- | --- |\n")
	for _, o := range fault.Outside() {
		fmt.Fprintf(&b, "| %s | %s |\n", o[0], o[1])
	}
	if *update {
		if err := os.WriteFile(page, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil || string(got) != b.String() {
		t.Errorf("docs/fault-points.md is not what the table says (%v): go test ./internal/fault -update", err)
	}
}

func TestPointsAreSpelledAlikeAndOnce(t *testing.T) {
	seen := map[fault.Point]bool{}
	for _, s := range fault.Table() {
		if seen[s.Point] || !regexp.MustCompile(`^[a-z]+\.[a-z]+$`).MatchString(string(s.Point)) {
			t.Errorf("%q is there twice, or is not room.place", s.Point)
		}
		seen[s.Point] = true
		if len(s.Kinds) == 0 || s.Where == "" || s.Holds == "" {
			t.Errorf("%s: a row with an empty cell", s.Point)
		}
	}
}
