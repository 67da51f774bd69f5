package flow

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/vault"
)

// read is what a person had read when they pressed Continue. It travels with the flow,
// and becomes part of the consent's record if there is one.
type read struct {
	Text  lanyard.ConsentText `json:"text"`
	Shown lanyard.Shown       `json:"shown"`
	At    time.Time           `json:"at,omitzero"`    // the page was shown then; zero: not known
	From  []byte              `json:"from,omitempty"` // a lanyard.Origin, under the person's key
}

// Mark is the time, the text's hash, and a keyed hash of both and the link: a page can
// say when it was shown, and that it was this one, without a row for it. See Pages.
func (s *Service) Mark(link string, text lanyard.ConsentText) string {
	at, hash := strconv.FormatInt(s.Store.Clock().Unix(), 10), text.Hash()
	return at + "." + hash + "." + s.markMAC(link, at, hash)
}

func (s *Service) markMAC(link, at, hash string) string {
	return base64.RawURLEncoding.EncodeToString(s.Vault.Digest("", "shown-page", link, at, hash))
}

// wasRead compares what the page says now with what was read, and with what is about
// to be asked for. A page from before a change is shown again: nobody consents to what
// they have not read.
func (s *Service) wasRead(link string, in lanyard.Session, shown Shown) (read, error) {
	changed := lanyard.Errorf(lanyard.CodePageChanged, "")
	var said []string
	for _, sc := range shown.Text.Scopes {
		said = append(said, sc.Scope)
	}
	asked := append(slices.Clone(in.Scopes), in.ScopesOptional...)
	if len(lanyard.MissingScopes(asked, said))+len(lanyard.MissingScopes(said, asked)) > 0 {
		return read{}, changed
	}
	out := read{Text: shown.Text, Shown: lanyard.ShownContinued}
	if shown.Mark == "" {
		return out, nil
	}
	parts := strings.Split(shown.Mark, ".")
	if len(parts) != 3 || subtle.ConstantTimeCompare([]byte(s.markMAC(link, parts[0], parts[1])), []byte(parts[2])) != 1 || parts[1] != shown.Text.Hash() {
		return read{}, changed
	}
	at, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil {
		return read{}, changed
	}
	out.Shown, out.At = lanyard.ShownPage, time.Unix(at, 0).UTC()
	return out, nil
}

// fromPlace is where the address and browser of Continue belong while the trip lasts.
// It is inside flows.sealed, under the person's own key and not only the project's.
func fromPlace(f lanyard.Flow) vault.Place { return flowPlace(f, "flows.from") }

func (s *Service) sealFrom(ctx context.Context, f lanyard.Flow, from lanyard.Origin) ([]byte, error) {
	if from == (lanyard.Origin{}) {
		return nil, nil
	}
	raw, err := json.Marshal(from)
	if err != nil {
		return nil, err
	}
	sealed, err := s.Vault.Seal(ctx, vault.PersonKey(f.Project, f.Person), fromPlace(f), lanyard.SecretBytes(raw))
	if err != nil {
		return nil, fmt.Errorf("seal where Continue was pressed: %w", err)
	}
	return sealed, nil
}
