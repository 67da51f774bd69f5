package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"sort"
	"strings"
)

// teller writes the story, in prose or as JSON lines.
type teller struct {
	out   io.Writer
	json  bool
	color bool
	steps int
	line  map[string]any // the step being told, as JSON
}

func (t *teller) paint(code, s string) string {
	if !t.color {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// step begins a step.
func (t *teller) step(title string) {
	t.flush()
	t.steps++
	if t.json {
		t.line = map[string]any{"step": t.steps, "title": title}
		return
	}
	fmt.Fprintf(t.out, "\n%s\n", t.paint("1", fmt.Sprintf("%2d. %s", t.steps, title)))
}

func (t *teller) add(name string, v any) {
	if t.line == nil {
		t.line = map[string]any{}
	}
	list, _ := t.line[name].([]any)
	t.line[name] = append(list, v)
}

// say tells a sentence.
func (t *teller) say(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	if t.json {
		t.add("said", s)
		return
	}
	for _, l := range wrap(s, 92) {
		fmt.Fprintf(t.out, "    %s\n", l)
	}
}

// page shows an address to open.
func (t *teller) page(what, url string) {
	if t.json {
		t.add("pages", map[string]string{"what": what, "url": url})
		return
	}
	fmt.Fprintf(t.out, "    %s %s  %s\n", t.paint("36", "→"), url, t.paint("2", what))
}

// addresses is for programs, as one member of the step: where everything is, and
// the key. In prose the pages above say it.
func (t *teller) addresses(at map[string]string) {
	if t.json {
		t.line["at"] = at
	}
}

// curl shows a call.
func (t *teller) curl(line string) {
	if t.json {
		t.add("curl", line)
		return
	}
	fmt.Fprintf(t.out, "    %s\n", t.paint("2", "$ "+line))
}

// got shows what came of it: granted or refused, and both as they should be.
func (t *teller) got(refused bool, format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	if t.json {
		name := "granted"
		if refused {
			name = "refused"
		}
		t.add(name, s)
		return
	}
	mark := t.paint("32", "✔ ")
	if refused {
		mark = t.paint("33", "✘ refused, as it should be: ")
	}
	fmt.Fprintf(t.out, "    %s%s\n", mark, s)
}

func (t *teller) flush() {
	if t.json && t.line != nil {
		raw, err := json.Marshal(t.line)
		if err == nil {
			fmt.Fprintf(t.out, "%s\n", raw)
		}
		t.line = nil
	}
}

// table shows rows in columns.
func (t *teller) table(head []string, rows [][]string) {
	if t.json {
		for _, r := range rows {
			m := map[string]string{}
			for i, h := range head {
				m[h] = r[i]
			}
			t.add("rows", m)
		}
		return
	}
	width := make([]int, len(head))
	for _, r := range append([][]string{head}, rows...) {
		for i, c := range r {
			width[i] = max(width[i], len([]rune(c)))
		}
	}
	for n, r := range append([][]string{head}, rows...) {
		var b strings.Builder
		for i, c := range r {
			b.WriteString(c + strings.Repeat(" ", width[i]-len([]rune(c))+2))
		}
		line := strings.TrimRight(b.String(), " ")
		if n == 0 {
			line = t.paint("2", line)
		}
		fmt.Fprintf(t.out, "    %s\n", line)
	}
}

func wrap(s string, at int) (lines []string) {
	line := ""
	for _, w := range strings.Fields(s) {
		if line != "" && len([]rune(line))+1+len([]rune(w)) > at {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += w
	}
	return append(lines, line)
}

// short is a map as "a=b c=d", sorted.
func short(m map[string]string) string {
	parts := make([]string, 0, len(m))
	for k, v := range m {
		parts = append(parts, k+"="+v)
	}
	sort.Strings(parts)
	return strings.Join(parts, " ")
}
