package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// lines of "go test -json", with ' for " so that they can be read here.
func stream(lines ...string) *strings.Reader {
	return strings.NewReader(strings.ReplaceAll(strings.Join(lines, "\n")+"\n", "'", `"`))
}

func TestReport(t *testing.T) {
	const passing = `{'Action':'start','Package':'a'}
{'Action':'output','Package':'a','Test':'TestOne','Output':'quiet\n'}
{'Action':'pass','Package':'a','Test':'TestOne'}
{'Action':'pass','Package':'a','Elapsed':61}`
	for _, tt := range []struct {
		name   string
		lines  string
		skips  bool
		ok     bool
		has    []string
		hasNot []string
	}{
		{name: "passes", lines: passing, ok: true, has: []string{"ok  \ta\t61.000s\n", "   1.02  a\n", "\n1 passed, 0 failed, 0 skipped\n"}, hasNot: []string{"quiet"}},
		{name: "too slow", lines: strings.Replace(passing, "61", "241", 1), has: []string{"   4.02  a  over the limit of 4m0s\n"}},
		{name: "a failing test shows its output", lines: `{'Action':'output','Package':'a','Test':'TestOne','Output':'got 1, want 2\n'}
{'Action':'fail','Package':'a','Test':'TestOne'}
{'Action':'fail','Package':'a','Elapsed':1}`, has: []string{"got 1, want 2\nFAIL\ta\t1.000s\n", "0 passed, 1 failed, 0 skipped"}},
		{name: "go test's own closing line is the only one", lines: `{'Action':'fail','Package':'a','Test':'TestOne'}
{'Action':'output','Package':'a','Output':'FAIL\\ta\\t1.000s\\n'}
{'Action':'fail','Package':'a','Elapsed':1}`, has: []string{"FAIL\ta\t1.000s\n\nminutes"}, hasNot: []string{"FAIL\ta\t1.000s\nFAIL"}},
		{name: "a skipped test fails", lines: `{'Action':'output','Package':'a','Test':'TestOne','Output':'no database\n'}
{'Action':'skip','Package':'a','Test':'TestOne'}
{'Action':'pass','Package':'a','Elapsed':1}`, has: []string{"skipped, which fails here: a TestOne\nno database\n", "0 passed, 0 failed, 1 skipped"}},
		{name: "a skipped test, where that is allowed", skips: true, ok: true, lines: `{'Action':'skip','Package':'a','Test':'TestOne'}
{'Action':'pass','Package':'a','Elapsed':1}`, hasNot: []string{"fails here"}},
		{name: "no test files is not a skip", lines: passing + "\n{'Action':'skip','Package':'b'}", ok: true, hasNot: []string{" b"}},
		{name: "does not build", lines: `{'ImportPath':'a [a.test]','Action':'build-output','Output':'undefined: x\n'}
{'ImportPath':'a [a.test]','Action':'build-fail'}
{'Action':'start','Package':'a'}
{'Action':'fail','Package':'a','Elapsed':0,'FailedBuild':'a [a.test]'}`, has: []string{"undefined: x\nFAIL\ta", "0 passed, 1 failed"}},
		{name: "a panic leaves a test without an end", lines: `{'Action':'start','Package':'a'}
{'Action':'output','Package':'a','Test':'TestOne','Output':'panic: oh\n'}
{'Action':'fail','Package':'a','Elapsed':1}`, has: []string{"--- did not end: TestOne\npanic: oh\n", "0 passed, 1 failed"}},
		{name: "the stream is cut", lines: `{'Action':'start','Package':'a'}`, has: []string{"FAIL\ta\tthe stream ended"}},
		{name: "nothing was tested", lines: `{'Action':'skip','Package':'b'}`, has: []string{"no package was tested"}},
		{name: "what is not an event is shown", lines: "warning: odd\n" + passing, ok: true, has: []string{"warning: odd\n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			r := newReport(&out)
			if err := r.read(stream(tt.lines)); err != nil {
				t.Fatal(err)
			}
			if got := r.close(4*time.Minute, tt.skips); got != tt.ok {
				t.Errorf("got ok %t, want %t", got, tt.ok)
			}
			for _, s := range tt.has {
				if !strings.Contains(out.String(), s) {
					t.Errorf("not there: %q", s)
				}
			}
			for _, s := range tt.hasNot {
				if strings.Contains(out.String(), s) {
					t.Errorf("should not be there: %q", s)
				}
			}
			if t.Failed() {
				t.Logf("printed:\n%s", out.String())
			}
		})
	}
}

func TestAdd(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sum")
	for _, r := range []*report{{passed: 3}, {passed: 2, failed: 1, brokenPackages: 1}} {
		if err := r.add(file); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if want := "3 0\n2 2\n"; err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}
