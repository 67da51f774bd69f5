// Package catalog is the catalogue of providers: embedded YAML, joined with the code of those that need some.
//
//	*.yaml           one provider each (provider.Definition)
//	an operator's    directory: a file with a new id adds a provider, one with a known id replaces it,
//	                 and with "extends: zoom" it takes that entry and says only what differs
//
// Unknown and repeated members are refused, and what is wrong is named by file and line.
package catalog

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"lanyard/internal/provider"
	"lanyard/internal/provider/google"
	"lanyard/internal/provider/microsoft"
	"lanyard/internal/provider/slack"
	"lanyard/internal/provider/zoom"
)

//go:embed *.yaml
var files embed.FS

// code is what data cannot say, by id; an entry that extends another takes its code along.
func code(id string) any {
	switch id {
	case "zoom":
		return zoom.Zoom{}
	case "slack":
		return slack.Slack{}
	case "google":
		return google.Google{}
	case "microsoft":
		return microsoft.Microsoft{}
	}
	return nil
}

// maxFile is the largest file that is read, in bytes.
const maxFile = 1 << 20

// Load reads the embedded catalogue and what an operator's directory adds to it ("" for none). Errors name file and line.
func Load(dir string) ([]provider.Entry, error) {
	entries := map[string]provider.Entry{}
	if err := read(entries, files); err != nil {
		return nil, err
	}
	if dir != "" {
		if err := read(entries, os.DirFS(dir)); err != nil {
			return nil, fmt.Errorf("providers in %s: %w", dir, err)
		}
	}
	var out []provider.Entry
	for _, id := range slices.Sorted(maps.Keys(entries)) {
		out = append(out, entries[id])
	}
	return out, nil
}

func read(entries map[string]provider.Entry, from fs.FS) error {
	names, err := fs.Glob(from, "*.yaml")
	if err != nil {
		return err
	}
	if _, err := fs.ReadDir(from, "."); err != nil {
		return err
	}
	before := maps.Clone(entries) // a file extends what was there before its directory, whatever the order of names
	seen := map[string]string{}
	for _, name := range names {
		raw, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		if len(raw) > maxFile {
			return fmt.Errorf("%s: larger than 1 MiB", name)
		}
		e, err := entry(before, path.Base(name), raw)
		if err != nil {
			return err
		}
		if other, twice := seen[e.Definition.ID]; twice {
			return fmt.Errorf("%s: id %q is also in %s", name, e.Definition.ID, other)
		}
		seen[e.Definition.ID] = name
		entries[e.Definition.ID] = e
	}
	return nil
}

// entry reads one file over the entry it extends.
func entry(known map[string]provider.Entry, file string, raw []byte) (provider.Entry, error) {
	f, err := parser.ParseBytes(raw, 0)
	if err != nil {
		return provider.Entry{}, located(file, err)
	}
	if len(f.Docs) != 1 || f.Docs[0].Body == nil {
		return provider.Entry{}, fmt.Errorf("%s: not one YAML document", file)
	}
	root := f.Docs[0].Body
	var head struct {
		ID      string `yaml:"id"`
		Extends string `yaml:"extends"`
	}
	if err := yaml.NodeToValue(root, &head); err != nil {
		return provider.Entry{}, located(file, err)
	}
	e := provider.Entry{Code: code(head.ID)}
	if head.Extends != "" {
		base, ok := known[head.Extends]
		if !ok {
			return e, fmt.Errorf("%s:%d: extends: there is no provider %q", file, line(root, "extends"), head.Extends)
		}
		var err error
		if e.Definition, err = clone(base.Definition); err != nil {
			return e, err
		}
		e.Code = base.Code
	}
	base := e.Definition
	if err := yaml.NodeToValue(root, &e.Definition, yaml.Strict()); err != nil {
		return e, located(file, err)
	}
	merge(&e.Definition, base)
	e.Definition.Origin = file
	if problems := e.Definition.Validate(); len(problems) > 0 {
		var list []error
		for _, p := range problems {
			list = append(list, fmt.Errorf("%s:%d: %w", file, line(root, p.Field), p))
		}
		return e, errors.Join(list...)
	}
	return e, nil
}

func clone(d provider.Definition) (out provider.Definition, err error) {
	b, err := json.Marshal(d)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(b, &out)
}

// merge keeps the members of a map that the extending file does not name; a list that it names is the whole list.
func merge(d *provider.Definition, base provider.Definition) {
	d.Params = joined(base.Params, d.Params)
	d.Errors = joined(base.Errors, d.Errors)
	d.Equivalent = joined(base.Equivalent, d.Equivalent)
	d.Authorize.Params = joined(base.Authorize.Params, d.Authorize.Params)
}

func joined[V any](base, over map[string]V) map[string]V {
	if len(base) == 0 {
		return over
	}
	out := maps.Clone(base)
	maps.Copy(out, over)
	return out
}

var position = regexp.MustCompile(`^\[([0-9]+):[0-9]+\] ([^\n]*)`)

// located turns the YAML library's error into one line with file and line number, without the text around it.
func located(file string, err error) error {
	if m := position.FindStringSubmatch(err.Error()); m != nil {
		return fmt.Errorf("%s:%s: %s", file, m[1], m[2])
	}
	return fmt.Errorf("%s: %w", file, err)
}

// line finds where a field such as "endpoints.token" or "scopes[3]" stands; for one that is missing, where it belongs.
func line(node ast.Node, field string) int {
	at, _ := strings.CutSuffix(field, "]")
	steps := strings.FieldsFunc(at, func(r rune) bool { return r == '.' || r == '[' })
	found := 1
	for i, step := range steps {
		switch n := node.(type) {
		case *ast.MappingNode:
			next := ast.Node(nil)
			for _, v := range n.Values {
				// The keys of a map may themselves have dots in them.
				if key := strings.Trim(v.Key.String(), `"'`); key == step || key == strings.Join(steps[i:], ".") {
					next, found = v.Value, v.Key.GetToken().Position.Line
				}
			}
			node = next
		case *ast.SequenceNode:
			var index int
			if _, err := fmt.Sscanf(step, "%d", &index); err != nil || index >= len(n.Values) {
				return found
			}
			node, found = n.Values[index], n.Values[index].GetToken().Position.Line
		default:
			return found
		}
	}
	return found
}
