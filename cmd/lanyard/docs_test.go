package main

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every command that a page or a message tells somebody to run is one: its
// words and its flags exist.
func TestCommandsThatAreToldExist(t *testing.T) {
	said := regexp.MustCompile("(?:`|: |: \\x60)lanyard ((?:[a-z-]+)(?: [a-zA-Z0-9_.…<>=-]+)*)")
	told := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if ext := filepath.Ext(path); d.IsDir() || ext != ".md" && ext != ".go" && ext != ".html" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range said.FindAllStringSubmatch(string(raw), -1) {
			if strings.HasPrefix(m[1], "in the ") { // "default: lanyard in the user's data directory"
				continue
			}
			told++
			if why := exists(strings.Fields(m[1])); why != "" {
				t.Errorf("%s tells of %q: %s", path, "lanyard "+m[1], why)
			}
		}
		return nil
	})
	if err != nil || told < 20 {
		t.Fatalf("found %d commands (%v), want the pages and messages to be read", told, err)
	}
}

// exists says why there is no such command; "" if there is.
func exists(words []string) string {
	root := (&cli{out: io.Discard, err: io.Discard}).root()
	root.InitDefaultHelpCmd()
	cmd, rest, err := root.Find(words)
	if err != nil {
		return err.Error()
	}
	for _, w := range rest {
		name, isFlag := strings.CutPrefix(w, "--")
		if !isFlag {
			if cmd.HasSubCommands() && regexp.MustCompile(`^[a-z-]+$`).MatchString(w) {
				return "there is no command " + w
			}
			continue
		}
		name, _, _ = strings.Cut(name, "=")
		if cmd.Flags().Lookup(name) == nil && cmd.InheritedFlags().Lookup(name) == nil {
			return "there is no flag --" + name
		}
	}
	return ""
}
