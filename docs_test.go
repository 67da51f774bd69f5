package lanyard_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// treeFiles lists what is, or could be, committed.
func treeFiles(t *testing.T, patterns ...string) []string {
	t.Helper()
	args := append([]string{"ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"}, patterns...)
	out, err := exec.Command("git", args...).Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	var files []string
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if info, err := os.Lstat(name); err == nil && info.Mode().IsRegular() {
			files = append(files, name)
		}
	}
	if len(files) == 0 {
		t.Fatalf("git ls-files %v: no file", patterns)
	}
	return files
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestErrorsAreGeneratedFromTheTable(t *testing.T) {
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "docs"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "docs", "errors.md"), []byte(read(t, "docs/errors.md")), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "run", filepath.Join(root, "docs", "generate.go"))
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("docs/generate.go: %v\n%s", err, out)
	}
	if got := read(t, filepath.Join(dir, "errors.gen.go")); got != read(t, "errors.gen.go") {
		t.Error("errors.gen.go is not what docs/errors.md makes; run go generate .")
	}
}

var (
	fence    = regexp.MustCompile("(?ms)^( *)```.*?^ *```[ \t]*$")
	mdLink   = regexp.MustCompile(`\]\(([^()\s]+)(?: "[^"]*")?\)`)
	htmlLink = regexp.MustCompile(`(?:src|srcset|href)="([^"]+)"`)
	heading  = regexp.MustCompile(`(?m)^#{1,6} +(.+?)\s*$`)
	notSlug  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors returns the fragments a page answers to, as the usual renderers make them.
func anchors(page string) map[string]bool {
	found := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(page, ""), -1) {
		found[strings.ReplaceAll(notSlug.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")] = true
	}
	return found
}

func TestLinksInPages(t *testing.T) {
	for _, page := range treeFiles(t, "*.md") {
		text := fence.ReplaceAllString(read(t, page), "")
		for _, m := range append(mdLink.FindAllStringSubmatch(text, -1), htmlLink.FindAllStringSubmatch(text, -1)...) {
			target, fragment, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, ":") || strings.HasPrefix(target, "//") {
				continue // elsewhere
			}
			file := page
			if target != "" {
				file = filepath.Join(filepath.Dir(page), target)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s links to %s, which is not there", page, m[1])
			} else if fragment != "" && !anchors(read(t, file))[fragment] {
				t.Errorf("%s links to %s, which has no such heading", page, m[1])
			}
		}
	}
}

// A clone elsewhere must work: nothing committed may name a folder of the
// machine it was written on, or the host of a package registry.
func TestNoTraceOfAMachine(t *testing.T) {
	traces := map[string]*regexp.Regexp{
		"somebody's folder":        regexp.MustCompile(`(?:^|[^\w.:/-])/(?:home|Users|root|work|mnt)/[\w.]`),
		"where a package was from": regexp.MustCompile(`"resolved":|(?m)^\s*(?:registry|index-url|GOPROXY)\s*=\s*http`),
	}
	if cwd, err := os.Getwd(); err == nil && strings.Count(cwd, "/") > 1 {
		traces["this checkout's folder"] = regexp.MustCompile(regexp.QuoteMeta(cwd) + `\b`)
	}
	if cache, err := exec.Command("go", "env", "GOMODCACHE").Output(); err == nil && len(bytes.TrimSpace(cache)) > 0 {
		traces["the module cache"] = regexp.MustCompile(regexp.QuoteMeta(string(bytes.TrimSpace(cache))))
	}
	for _, name := range treeFiles(t) {
		text := read(t, name)
		if name == "docs_test.go" || strings.Contains(text[:min(len(text), 8000)], "\x00") {
			continue
		}
		for what, re := range traces {
			if at := re.FindStringIndex(text); at != nil {
				t.Errorf("%s:%d names %s: %q", name, 1+strings.Count(text[:at[1]], "\n"), what, text[at[0]:at[1]])
			}
		}
	}
}

// block is a fenced block of shell in a page.
type block struct {
	line  int
	text  string
	tried bool
	want  string // what it must print, if anything
}

var shell = regexp.MustCompile("(?m)^(?:<!-- (tried)(?:: (.+?))? -->\n)?```sh\n((?s:.*?))^```$")

func blocks(page string) []block {
	var found []block
	for _, m := range shell.FindAllStringSubmatchIndex(page, -1) {
		b := block{line: 1 + strings.Count(page[:m[6]], "\n"), text: page[m[6]:m[7]], tried: m[2] >= 0}
		if m[4] >= 0 {
			b.want = page[m[4]:m[5]]
		}
		found = append(found, b)
	}
	return found
}

func TestBlocks(t *testing.T) {
	page := "# A\n\n```sh\none\n```\n\n<!-- tried -->\n```sh\ntwo\nthree\n```\n<!-- tried: four 4 -->\n```sh\nfour\n```\n```\nnot shell\n```\n"
	got := blocks(page)
	want := []block{{4, "one\n", false, ""}, {9, "two\nthree\n", true, ""}, {14, "four\n", true, "four 4"}}
	if len(got) != len(want) {
		t.Fatalf("got %d blocks, want %d: %+v", len(got), len(want), got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("block %d: got %+v, want %+v", i, got[i], want[i])
		}
	}
}

// The blocks of a page that say they were tried run in order, in one shell, at
// the top of the checkout, with an empty home and the program on PATH as lanyard.
func TestPagesTellTheTruth(t *testing.T) {
	homes, bin := t.TempDir(), t.TempDir()
	env := append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH"} { // the caches stay
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		env = append(env, name+"="+string(bytes.TrimSpace(out)))
	}
	if main, err := filepath.Glob("cmd/lanyard/*.go"); err == nil && len(main) > 0 {
		if out, err := exec.Command("go", "build", "-o", bin, "./cmd/lanyard").CombinedOutput(); err != nil {
			t.Fatalf("go build ./cmd/lanyard: %v\n%s", err, out)
		}
	}
	for _, page := range treeFiles(t, "*.md") {
		var tried []block
		for _, b := range blocks(read(t, page)) {
			check := exec.Command("bash", "-n")
			check.Stdin = strings.NewReader(b.text)
			if out, err := check.CombinedOutput(); err != nil {
				t.Errorf("%s:%d is not shell: %s", page, b.line, out)
			}
			if b.tried {
				tried = append(tried, b)
			}
		}
		if len(tried) > 0 {
			t.Run(page, func(t *testing.T) {
				home, err := os.MkdirTemp(homes, "") // its own: a page used to find the addresses in what another had left there
				if err != nil {
					t.Fatal(err)
				}
				runBlocks(t, page, tried, append(slices.Clip(env), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_DATA_HOME="+home, "TMPDIR="+home))
			})
		}
	}
}

func TestRunBlocks(t *testing.T) {
	began := time.Now()
	runBlocks(t, "a page", []block{
		{text: "A=first\nsleep 60 &\n"}, // left behind; must not hold us up
		{text: "echo \"$A\" and $B\n", want: "first and second"},
		{text: "false || echo third\n", want: "third"},
	}, append(os.Environ(), "B=second"))
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("took %v: something left running held the page up", took)
	}
}

func runBlocks(t *testing.T, page string, tried []block, env []string) {
	const mark = "\x1fend of block\x1f\n"
	script := "set -euo pipefail\n"
	for _, b := range tried {
		script += b.text + "printf '" + strings.TrimSuffix(mark, "\n") + "\\n'\n"
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	// What a block leaves running in the background holds the output open: it
	// goes to a file, and the whole process group ends with the page.
	file, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, file, file
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	endGroup := func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Cancel = endGroup
	err = cmd.Run()
	if cmd.Process != nil {
		defer func() { _ = endGroup() }() // nothing is left, usually
	}
	printed := strings.Split(read(t, file.Name()), mark)
	if err != nil {
		t.Fatalf("%s:%d: %v\n%s", page, tried[min(len(printed), len(tried))-1].line, err, printed[len(printed)-1])
	}
	for i, b := range tried {
		if !strings.Contains(printed[i], b.want) {
			t.Errorf("%s:%d does not print %q:\n%s", page, b.line, b.want, printed[i])
		}
	}
}
