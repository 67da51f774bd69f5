package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// row is what *sql.Rows and *sql.Row have in common.
type row interface{ Scan(dest ...any) error }

// micros is how a time is stored: microseconds since 1970, 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// asJSON is how lists and maps are stored; nothing is the empty text, which
// costs neither encoding nor decoding.
func asJSON[T any](n int, v T) string {
	if n == 0 {
		return ""
	}
	b, err := json.Marshal(v)
	if err != nil { // lists and maps of strings always encode
		panic(fmt.Sprintf("store: encode %T: %v", v, err))
	}
	return string(b)
}

func listText[T ~string](v []T) string { return asJSON(len(v), v) }
func dictText(v map[string]string) string {
	if len(v) == 1 { // as an entry's detail is, most of the time
		for name, text := range v {
			if plainText(name) && plainText(text) {
				return `{"` + name + `":"` + text + `"}`
			}
		}
	}
	return asJSON(len(v), v)
}

// plainText says whether a text is the same in JSON.
func plainText(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}

func scanText(src any) (string, error) {
	switch v := src.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case []byte:
		return string(v), nil
	}
	return "", fmt.Errorf("store: %T where text was expected", src)
}

func scanInt(src any) (int64, error) {
	switch v := src.(type) {
	case nil:
		return 0, nil
	case int64:
		return v, nil
	}
	return 0, fmt.Errorf("store: %T where a number was expected", src)
}

// The types below scan columns that may be NULL because they came by a LEFT
// JOIN, and columns whose Go type is not the driver's.
type (
	asText[T ~string] struct{ to *T }
	asInt             struct{ to *int64 }
	asFlag            struct{ to *bool }
	asTime            struct{ to *time.Time }
	asList[T ~string] struct{ to *[]T }
	asDict            struct{ to *map[string]string }
	asValue[T any]    struct{ to *T }
)

// text scans a text column into a string of any name.
func text[T ~string](to *T) asText[T] { return asText[T]{to} }

// value scans what asJSON has written of a list or a struct.
func value[T any](to *T) asValue[T] { return asValue[T]{to} }

// list scans a JSON array of strings.
func list[T ~string](to *[]T) asList[T] { return asList[T]{to} }

func (a asText[T]) Scan(src any) error {
	s, err := scanText(src)
	*a.to = T(s)
	return err
}

func (a asInt) Scan(src any) (err error) {
	*a.to, err = scanInt(src)
	return err
}

func (a asFlag) Scan(src any) error {
	n, err := scanInt(src)
	*a.to = n != 0
	return err
}

func (a asTime) Scan(src any) error {
	n, err := scanInt(src)
	*a.to = fromMicros(n)
	return err
}

func (a asList[T]) Scan(src any) error {
	s, err := scanText(src)
	if err != nil || s == "" {
		*a.to = nil
		return err
	}
	if plain, ok := plainList[T](s); ok {
		*a.to = plain
		return nil
	}
	return json.Unmarshal([]byte(s), a.to)
}

// listOf reads a list of strings.
func listOf(s string) (out []string, err error) { return out, list(&out).Scan(s) }

// plainList reads a list as asJSON writes it, of texts without escapes, which
// scopes are: a tenth of the cost of the general way. Anything else is not ok.
func plainList[T ~string](s string) ([]T, bool) {
	inner, begins := strings.CutPrefix(s, `["`)
	inner, ends := strings.CutSuffix(inner, `"]`)
	if !begins || !ends || strings.ContainsRune(inner, '\\') {
		return nil, false
	}
	out := make([]T, 0, 1+strings.Count(inner, `","`))
	for item := range strings.SplitSeq(inner, `","`) {
		if strings.Contains(item, `"`) {
			return nil, false
		}
		out = append(out, T(item))
	}
	return out, true
}

func (a asDict) Scan(src any) error {
	s, err := scanText(src)
	if err != nil || s == "" {
		*a.to = nil
		return err
	}
	return json.Unmarshal([]byte(s), a.to)
}

func (a asValue[T]) Scan(src any) error {
	var v T
	s, err := scanText(src)
	if err == nil && s != "" {
		err = json.Unmarshal([]byte(s), &v)
	}
	*a.to = v
	return err
}

// where collects the conditions of a list, each with its argument.
type where struct {
	text strings.Builder
	args []any
}

// and adds "AND <before> $n<after>".
func (w *where) and(before string, arg any, after ...string) {
	w.args = append(w.args, arg)
	fmt.Fprintf(&w.text, " AND %s$%d%s", before, len(w.args), strings.Join(after, ""))
}

// in adds "AND <column> IN ($n, …)"; there has to be one at least.
func in[T any](w *where, column string, list []T) {
	for i, v := range list {
		w.args = append(w.args, v)
		fmt.Fprintf(&w.text, "%s$%d", map[bool]string{true: " AND " + column + " IN (", false: ", "}[i == 0], len(w.args))
	}
	w.text.WriteString(")")
}

// prefixed puts an alias before each name of a column list.
func prefixed(alias, columns string) string {
	names := strings.Split(columns, ",")
	for i, n := range names {
		names[i] = alias + "." + strings.TrimSpace(n)
	}
	return strings.Join(names, ", ")
}

// insertInto is the statement that writes one row.
func insertInto(table, columns string) string {
	n := strings.Count(columns, ",") + 1
	var b strings.Builder
	fmt.Fprintf(&b, "INSERT INTO %s (%s) VALUES (", table, columns)
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", i+1)
	}
	b.WriteByte(')')
	return b.String()
}
