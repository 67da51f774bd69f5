package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// event is a line of "go test -json"; see "go doc test2json".
type event struct {
	Action      string
	Package     string
	ImportPath  string // of a build's output
	Test        string
	Elapsed     float64 // seconds
	Output      string
	FailedBuild string
}

type test struct{ pkg, name string }

type report struct {
	out             io.Writer
	output          map[test][]string // of tests and packages that still run
	build           map[string][]string
	failing         map[string][]test // by package, not printed yet
	took            map[string]time.Duration
	skipped         []test
	passed, failed  int
	brokenPackages  int
	packagesStarted map[string]bool
}

func newReport(out io.Writer) *report {
	return &report{out: out, output: map[test][]string{}, build: map[string][]string{},
		failing: map[string][]test{}, took: map[string]time.Duration{}, packagesStarted: map[string]bool{}}
}

func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			var e event
			if json.Unmarshal([]byte(line), &e) != nil {
				fmt.Fprint(r.out, line) // not an event: whatever it is, it is worth seeing
			} else {
				r.take(e)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func (r *report) take(e event) {
	t := test{e.Package, e.Test}
	switch e.Action {
	case "start":
		r.packagesStarted[e.Package] = true
	case "output":
		r.output[t] = append(r.output[t], e.Output)
	case "build-output":
		r.build[e.ImportPath] = append(r.build[e.ImportPath], e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.endPackage(e)
		} else {
			r.endTest(t, e.Action)
		}
	}
}

func (r *report) endTest(t test, how string) {
	switch how {
	case "pass":
		r.passed++
		delete(r.output, t)
	case "skip":
		r.skipped = append(r.skipped, t)
	case "fail":
		r.failed++
		r.failing[t.pkg] = append(r.failing[t.pkg], t)
	}
}

func (r *report) endPackage(e event) {
	delete(r.packagesStarted, e.Package)
	whole := test{e.Package, ""}
	took := time.Duration(e.Elapsed * float64(time.Second))
	if e.Action == "skip" { // no test files
		delete(r.output, whole)
		return
	}
	r.took[e.Package] = took
	if e.Action == "pass" {
		fmt.Fprint(r.out, closing(r.output[whole], "ok  \t", fmt.Sprintf("ok  \t%s\t%.3fs\n", e.Package, e.Elapsed)))
		delete(r.output, whole)
		return
	}
	for _, t := range r.failing[e.Package] {
		fmt.Fprint(r.out, strings.Join(r.output[t], ""))
	}
	if len(r.failing[e.Package]) == 0 { // it did not build, or ended before a test could fail
		r.brokenPackages++
	}
	// A panic or a time-out leaves tests that neither passed nor failed.
	var cut []test
	for t := range r.output {
		if t.pkg == e.Package && t.name != "" && !slices.Contains(r.failing[e.Package], t) && !slices.Contains(r.skipped, t) {
			cut = append(cut, t)
		}
	}
	slices.SortFunc(cut, func(a, b test) int { return cmp.Compare(a.name, b.name) })
	for _, t := range cut {
		fmt.Fprintf(r.out, "--- did not end: %s\n%s", t.name, strings.Join(r.output[t], ""))
	}
	fmt.Fprint(r.out, strings.Join(r.build[e.FailedBuild], ""), strings.Join(r.output[whole], ""))
	r.build[e.FailedBuild] = nil // once is enough for all that import it
	if closing(r.output[whole], "FAIL\t", "") == "" {
		fmt.Fprintf(r.out, "FAIL\t%s\t%.3fs\n", e.Package, e.Elapsed)
	}
}

// closing returns the line with which go test itself closed a package, or other.
func closing(output []string, prefix, other string) string {
	for _, line := range slices.Backward(output) {
		if strings.HasPrefix(line, prefix) {
			return line
		}
	}
	return other
}

// close prints the table and the closing line, and says whether all is well.
func (r *report) close(limit time.Duration, skips bool) bool {
	ok := r.failed == 0 && r.brokenPackages == 0
	for pkg := range r.packagesStarted {
		fmt.Fprintf(r.out, "FAIL\t%s\tthe stream ended before it did\n", pkg)
		r.brokenPackages, ok = r.brokenPackages+1, false
	}
	type row struct {
		pkg  string
		took time.Duration
	}
	var rows []row
	for pkg, took := range r.took {
		rows = append(rows, row{pkg, took})
	}
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(-cmp.Compare(a.took, b.took), cmp.Compare(a.pkg, b.pkg))
	})
	fmt.Fprintf(r.out, "\nminutes  package\n")
	for _, row := range rows {
		mark := ""
		if row.took > limit {
			mark, ok = fmt.Sprintf("  over the limit of %v", limit), false
		}
		fmt.Fprintf(r.out, "%7.2f  %s%s\n", row.took.Minutes(), row.pkg, mark)
	}
	if len(rows) == 0 {
		fmt.Fprintln(r.out, "no package was tested")
		ok = false
	}
	for _, t := range r.skipped {
		if !skips {
			fmt.Fprintf(r.out, "skipped, which fails here: %s %s\n%s", t.pkg, t.name, strings.Join(r.output[t], ""))
			ok = false
		}
	}
	fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped\n", r.passed, r.failed+r.brokenPackages, len(r.skipped))
	return ok
}

// add appends "passed failed" to a file, so that several runs can be summed up.
func (r *report) add(file string) error {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, r.passed, r.failed+r.brokenPackages)
	return errors.Join(err, f.Close())
}
