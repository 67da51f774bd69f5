//go:build ignore

// Command generate makes errors.gen.go from docs/errors.md. Run "go generate .".
package main

import (
	"bytes"
	"fmt"
	"go/format"
	"os"
	"strings"
)

func main() {
	md, err := os.ReadFile("docs/errors.md")
	check(err)
	var consts, rows bytes.Buffer
	for line := range strings.Lines(string(md)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		if len(cells) != 7 {
			check(fmt.Errorf("docs/errors.md: want 7 cells, got %d: %s", len(cells), line))
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		code := strings.Trim(cells[0], "`")
		fmt.Fprintf(&consts, "\t%s Code = %q\n", name(code), code)
		fmt.Fprintf(&rows, "\t%s: {%[1]s, %s, %t, %q, %q, %q, %q},\n", name(code), name2(cells[1]),
			cells[2] == "yes", cells[3], cells[4], cells[5], cells[6])
	}
	src := "// Code generated from docs/errors.md by docs/generate.go. DO NOT EDIT.\n\npackage lanyard\n\n// The codes of docs/errors.md.\nconst (\n" +
		consts.String() + ")\n\nvar rows = map[Code]Row{\n" + rows.String() + "}\n"
	out, err := format.Source([]byte(src))
	check(err)
	check(os.WriteFile("errors.gen.go", out, 0o644))
}

func name(code string) string { return "Code" + name2(code) }

func name2(s string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(s, "_") {
		switch part {
		case "url", "uri", "id", "api", "json":
			b.WriteString(strings.ToUpper(part))
		default:
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return b.String()
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
