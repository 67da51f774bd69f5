package fault_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"lanyard/internal/fault"
)

// A point that nobody passes would make a test of it succeed for ever.
func TestEveryPointHasAPlace(t *testing.T) {
	table, err := os.ReadFile("table.go")
	if err != nil {
		t.Fatal(err)
	}
	name := map[fault.Point]string{}
	for _, m := range regexp.MustCompile(`(?m)^\t(\w+) +Point = "([^"]+)"`).FindAllStringSubmatch(string(table), -1) {
		name[fault.Point(m[2])] = m[1]
	}
	var code strings.Builder
	err = filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		b, err := os.ReadFile(path)
		code.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range fault.Table() {
		if !strings.Contains(code.String(), ", fault."+name[s.Point]+")") {
			t.Errorf("nobody passes %s", s.Point)
		}
	}
}
