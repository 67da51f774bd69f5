package mail

import (
	"embed"
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/goccy/go-yaml"

	"lanyard"
)

//go:embed text/*.yaml
var texts embed.FS

// words are all texts in one language: a file of folder text. {name} is filled in.
type words struct {
	Lang      string                     `yaml:"lang"`
	Signature string                     `yaml:"signature"`
	More      string                     `yaml:"more"` // {count}: of a digest
	Soon      string                     `yaml:"soon"` // in place of a date
	Lines     map[string]string          `yaml:"lines"`
	Reasons   map[string]string          `yaml:"reasons"`
	Letters   map[string]lettersInTheirs `yaml:"letters"`
}

// lettersInTheirs is one letter in its language.
type lettersInTheirs struct {
	Subject string   `yaml:"subject"`
	Text    []string `yaml:"text"`
	Button  string   `yaml:"button"` // what the link is for; none: there is no link
	After   []string `yaml:"after"`
}

// loadWords reads every language.
func loadWords() (map[string]words, error) {
	files, err := texts.ReadDir("text")
	if err != nil {
		return nil, err
	}
	out := map[string]words{}
	for _, f := range files {
		raw, err := texts.ReadFile(path.Join("text", f.Name()))
		if err != nil {
			return nil, err
		}
		var w words
		if err := yaml.UnmarshalWithOptions(raw, &w, yaml.Strict()); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		out[w.Lang] = w
	}
	return out, nil
}

// wordsOf returns those of a language, or else English.
func (s *Service) wordsOf(lang string) words {
	if w, ok := s.words[lang]; ok {
		return w
	}
	return s.words["en"]
}

// reason says in a sentence why something is so.
func (w words) reason(code lanyard.Code) string {
	if text, ok := w.Reasons[string(code)]; ok {
		return text
	}
	return w.Reasons["other"]
}

// line is a mail as it is named in a digest.
func (w words) line(m lanyard.Mail) string {
	_, about, _ := strings.Cut(m.Cause, ":")
	return filled(w.Lines[string(m.Type)], map[string]string{"id": oneLine(about)})
}

// filled puts values where their names are in braces. What is put in is not looked at
// again, so that a name in braces in somebody's name stays as it is.
func filled(text string, values map[string]string) string {
	var pairs []string
	for name, v := range values {
		pairs = append(pairs, "{"+name+"}", v)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func allFilled(in []string, values map[string]string) (out []string) {
	for _, text := range in {
		out = append(out, filled(text, values))
	}
	return out
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
