package main

import (
	"encoding/json"
	"strings"
	"testing"

	"lanyard/wire"
)

func TestSpoolCommands(t *testing.T) {
	p := newPlace(t)
	p.serve("--listen", "localhost:0")
	if out := p.ok("spool", "status"); !strings.Contains(out, "state:") || !strings.Contains(out, "ok") || !strings.Contains(out, "pending:") {
		t.Errorf("got %s", out)
	}
	var st wire.Spool
	if err := json.Unmarshal([]byte(p.ok("spool", "status", "--json")), &st); err != nil || st.State != "ok" || st.Segments == 0 {
		t.Errorf("got %+v, %v", st, err)
	}
	// Where nobody can be asked, nothing is given up.
	if code, _, err := p.run("spool", "declare-lost", st.Node); code != exitUsage || !strings.Contains(err, "--yes") {
		t.Errorf("got %d %s, want to be told of --yes", code, err)
	}
	if code, _, err := p.run("spool", "declare-lost", "--yes", st.Node); code != exitUsage || !strings.Contains(err, "is alive") {
		t.Errorf("got %d %s, want a node that is alive refused", code, err)
	}
	if code, _, err := p.run("spool", "declare-lost", "--yes", "nod_01jz0000000000000000000000"); code != exitNotFound {
		t.Errorf("got %d %s, want it not found", code, err)
	}
	if code, _, err := p.run("spool", "declare-lost"); code != exitUsage {
		t.Errorf("got %d %s, want a node asked for", code, err)
	}
}
