package server

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"

	"lanyard"
)

// Sources is where Load looks.
type Sources struct {
	File    string            // path of lanyard.yaml; empty: none
	Environ []string          // as os.Environ gives it
	Flags   map[string]string // by name of the setting, those that were given
}

// Loaded is what is in force, and where each value comes from: "default",
// "file", "environment" or "flag", by name of the setting.
type Loaded struct {
	Settings
	From    map[string]string
	Unknown []string // LANYARD_ variables that are no setting: a typing error, or somebody else's
}

// clientEnv are the variables of the commands, which are no settings of the server.
var clientEnv = []string{"LANYARD_SERVER", "LANYARD_KEY", "LANYARD_KEY_FILE", "LANYARD_PROJECT", "LANYARD_CONFIG", "LANYARD_TEST_POSTGRES"}

// Load reads the settings. An unknown name in the file, a value of the wrong
// kind, or a secret that is given twice is an error that says where.
func Load(src Sources) (Loaded, error) {
	known := map[string]Setting{}
	for _, s := range Described() {
		known[s.Name] = s
	}
	out := Loaded{From: map[string]string{}}
	values := map[string]any{}
	take := func(from string, k *koanf.Koanf) {
		for name := range known {
			if k.Exists(name) {
				values[name], out.From[name] = k.Get(name), from
			}
		}
	}
	fromFile, err := loadFile(src.File, known)
	if err != nil {
		return out, err
	}
	take("file", fromFile)
	fromEnv, unknown, err := loadEnv(src.Environ, known)
	if err != nil {
		return out, err
	}
	take("environment", fromEnv)
	out.Unknown = unknown
	for name, v := range src.Flags {
		if _, ok := known[name]; ok {
			values[name], out.From[name] = v, "flag"
		}
	}
	v := reflect.ValueOf(&out.Settings).Elem()
	for i, s := range Described() {
		value, ok := values[s.Name]
		if !ok {
			value, out.From[s.Name] = s.Default, "default"
		}
		if err := set(v.Field(i), value); err != nil {
			return out, fmt.Errorf("setting %s (from %s): %w; an example: %s", s.Name, out.From[s.Name], err, s.Example)
		}
	}
	if err := out.fill(); err != nil {
		return out, err
	}
	return out, nil
}

func loadFile(path string, known map[string]Setting) (*koanf.Koanf, error) {
	k := koanf.New("\x00") // names have no hierarchy
	if path == "" {
		return k, nil
	}
	if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
		return nil, fmt.Errorf("settings file %s: %w", path, err)
	}
	for _, name := range k.Keys() {
		if _, ok := known[name]; !ok {
			return nil, fmt.Errorf("settings file %s: there is no setting %q; lanyard config lists them", path, strings.ReplaceAll(name, "\x00", "."))
		}
	}
	return k, nil
}

// loadEnv reads LANYARD_… and, for secrets, what LANYARD_…_FILE names.
func loadEnv(environ []string, known map[string]Setting) (k *koanf.Koanf, unknown []string, err error) {
	k = koanf.New("\x00")
	seen := map[string]bool{}
	var problem error
	err = k.Load(env.Provider("\x00", env.Opt{Prefix: envPrefix, EnvironFunc: func() []string { return environ },
		TransformFunc: func(variable, value string) (string, any) {
			if slices.Contains(clientEnv, variable) {
				return "", nil
			}
			name := strings.ToLower(strings.TrimPrefix(variable, envPrefix))
			base, isFile := strings.CutSuffix(name, "_file")
			if s, ok := known[base]; isFile && ok && s.Secret {
				b, err := os.ReadFile(value)
				if err != nil {
					problem = errors.Join(problem, fmt.Errorf("%s: %w", variable, err))
				}
				name, value = base, strings.TrimRight(string(b), "\r\n")
			}
			if _, ok := known[name]; !ok {
				unknown = append(unknown, variable)
				return "", nil
			}
			if seen[name] {
				problem = errors.Join(problem, fmt.Errorf("%s and %s_FILE are both set; set one", known[name].Env, known[name].Env))
			}
			seen[name] = true
			return name, value
		}}), nil)
	slices.Sort(unknown)
	return k, unknown, errors.Join(err, problem)
}

// set parses one value into its field. The error never repeats the value, which
// may be a secret in the wrong place.
func set(f reflect.Value, value any) error {
	var list []string
	var text string
	if many, ok := value.([]any); ok {
		for _, v := range many {
			list = append(list, fmt.Sprint(v))
		}
		text = strings.Join(list, ",")
	} else {
		text = strings.TrimSpace(fmt.Sprint(value))
	}
	switch f.Interface().(type) {
	case string:
		f.SetString(text)
	case lanyard.Secret:
		f.Set(reflect.ValueOf(lanyard.NewSecret(text)))
	case []string:
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); part != "" {
				f.Set(reflect.Append(f, reflect.ValueOf(part)))
			}
		}
	case bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return errors.New("not true or false")
		}
		f.SetBool(b)
	case int:
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return errors.New("not a whole number from 0")
		}
		f.SetInt(int64(n))
	case float64:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || n <= 0 {
			return errors.New("not a number above 0")
		}
		f.SetFloat(n)
	case time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return errors.New("not a duration")
		}
		f.SetInt(int64(d))
	default:
		return fmt.Errorf("a setting cannot be a %s", f.Type())
	}
	return nil
}

// fill puts in the defaults that depend on the user and on other settings.
func (s *Settings) fill() error {
	if s.DataDir == "" {
		dir, err := dataHome()
		if err != nil {
			return fmt.Errorf("setting data_dir: %w; say where", err)
		}
		s.DataDir = dir
	}
	abs, err := filepath.Abs(s.DataDir)
	if err != nil {
		return fmt.Errorf("setting data_dir: %w", err)
	}
	s.DataDir = abs
	if s.Socket == "" {
		s.Socket = filepath.Join(s.DataDir, "lanyard.sock")
	}
	if s.KEK == "" {
		dir, err := os.UserConfigDir()
		if err != nil {
			return fmt.Errorf("setting kek: %w; say where", err)
		}
		s.KEK = "file:" + filepath.Join(dir, "lanyard", "kek")
	}
	return nil
}

// dataHome is lanyard's place among the user's data (XDG Base Directory).
func dataHome() (string, error) {
	if d := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "lanyard"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, ".local", "share", "lanyard"), nil
}

// Value returns the text of a setting for people; a secret that is set shows
// only that.
func (s Settings) Value(name string) string {
	v := reflect.ValueOf(s)
	for i, d := range Described() {
		if d.Name != name {
			continue
		}
		switch x := v.Field(i).Interface().(type) {
		case lanyard.Secret:
			if x.Empty() {
				return ""
			}
			return lanyard.Redacted
		case []string:
			return strings.Join(x, ",")
		default:
			return fmt.Sprint(x)
		}
	}
	return ""
}
