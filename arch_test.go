package lanyard_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "lanyard"

// room is a row of ARCHITECTURE.md's table.
type room struct {
	later   bool
	imports []string // "." and paths below the module; "x/*" is whatever lies below x
}

func (r room) allows(pkg string) bool {
	return slices.ContainsFunc(r.imports, func(p string) bool {
		below, all := strings.CutSuffix(p, "/*")
		return p == pkg || all && strings.HasPrefix(pkg, below+"/")
	})
}

// rooms reads the table. A name in the last column means the row of that name,
// at the top or below internal.
func rooms(t *testing.T) map[string]room {
	t.Helper()
	md, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(md), "| Package | What it is | May import, of ours |\n")
	if !ok {
		t.Fatal("ARCHITECTURE.md: the table of packages is not there")
	}
	found := map[string]room{}
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 3 {
			break
		}
		name, mark, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(cells[0]), "`"), "`")
		if !ok {
			continue // the line below the heading
		}
		if _, twice := found[name]; twice {
			t.Errorf("ARCHITECTURE.md: two rows for %s", name)
		}
		r := room{later: strings.TrimSpace(mark) == "(later)"}
		if may := strings.TrimSpace(cells[2]); may != "nothing" {
			r.imports = strings.Fields(may)
		}
		found[name] = r
	}
	for name, r := range found {
		for i, p := range r.imports {
			_, top := found[p]
			_, inside := found["internal/"+p]
			below, all := strings.CutSuffix(p, "/*")
			switch {
			case top || p == "internal/*":
			case inside:
				r.imports[i] = "internal/" + p
			case all && found["internal/"+below].imports != nil:
				r.imports[i] = "internal/" + p
			default:
				t.Errorf("ARCHITECTURE.md: %s may import %s, which has no row", name, p)
			}
		}
	}
	return found
}

// listed is what "go list -json" says of a package.
type listed struct {
	ImportPath, Name, Dir string
	GoFiles, Imports      []string
}

// name is the package's path below the module, "." for the root.
func (p listed) name() string { return short(p.ImportPath) }

func short(importPath string) string {
	if importPath == module {
		return "."
	}
	return strings.TrimPrefix(importPath, module+"/")
}

// ships says whether a package is part of the program: what is for tests only
// has a name that ends in test.
func ships(name string) bool { return !strings.HasSuffix(name, "test") }

func packages(t *testing.T) map[string]listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-e", "-json=ImportPath,Name,Dir,GoFiles,Imports", "./...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	found := map[string]listed{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles) > 0 {
			found[p.name()] = p
		}
	}
	if len(found) == 0 {
		t.Fatal("go list found no package")
	}
	return found
}

func TestArchitectureTable(t *testing.T) {
	table, code := rooms(t), packages(t)
	for name := range code {
		if r, ok := table[name]; !ok {
			t.Errorf("package %s has no row in ARCHITECTURE.md", name)
		} else if r.later {
			t.Errorf("package %s is there, but its row in ARCHITECTURE.md says (later)", name)
		}
	}
	for name, r := range table {
		if _, ok := code[name]; !ok && !r.later {
			t.Errorf("ARCHITECTURE.md has a row for %s, and no such package exists", name)
		}
	}
}

func TestImports(t *testing.T) {
	table, code := rooms(t), packages(t)
	for _, name := range slices.Sorted(maps.Keys(code)) {
		for _, imported := range code[name].Imports {
			ours := imported == module || strings.HasPrefix(imported, module+"/")
			switch {
			case ours && !table[name].allows(short(imported)):
				t.Errorf("%s imports %s; its row in ARCHITECTURE.md does not allow that", name, short(imported))
			case ours && ships(name) && !ships(imported):
				t.Errorf("%s ships, and imports %s, which is for tests only", name, short(imported))
			case ships(name) && (imported == "net/http/httptest" || imported == "testing" || strings.HasPrefix(imported, "testing/")):
				t.Errorf("%s ships, and imports %s", name, imported)
			case name == "." && strings.Contains(strings.Split(imported, "/")[0], "."):
				t.Errorf("the root package imports %s; it takes the standard library only", imported)
			}
		}
	}
}

// written calls fn for each file of a package that a person wrote.
func written(t *testing.T, p listed, fn func(name string, src []byte, f *ast.File)) {
	t.Helper()
	for _, file := range p.GoFiles {
		src, err := os.ReadFile(filepath.Join(p.Dir, file))
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, src, parser.ParseComments)
		if err != nil {
			t.Errorf("%s: %v", p.name(), err)
		} else if !ast.IsGenerated(f) {
			fn(path.Join(p.name(), file), src, f)
		}
	}
}

// Generators write a comment above their package clause too, so "go list" can
// take theirs for the package's.
func TestPackageDocs(t *testing.T) {
	for name, p := range packages(t) {
		want := "Package " + p.Name + " "
		if p.Name == "main" {
			want = "Command " + path.Base(name) + " "
		}
		var docs []string
		written(t, p, func(_ string, _ []byte, f *ast.File) {
			if f.Doc != nil {
				docs = append(docs, f.Doc.Text())
			}
		})
		if len(docs) != 1 || !strings.HasPrefix(docs[0], want) {
			t.Errorf("%s: want one package doc that begins %q, got %q", name, want, docs)
		}
	}
}

// What init does cannot be seen where it matters, and cannot be left out in a
// test. A file past 500 lines has a second noun in it.
func TestFiles(t *testing.T) {
	for _, p := range packages(t) {
		written(t, p, func(name string, src []byte, f *ast.File) {
			if n := bytes.Count(src, []byte("\n")); n > 500 {
				t.Errorf("%s: %d lines, want at most 500", name, n)
			}
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
					t.Errorf("%s has an init function", name)
				}
			}
		})
	}
}
