package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
)

var errNoClient = errors.New("there is no such client")

func (s *Sandbox) adminClient(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	c := s.client(r.PathValue("provider"), r.PathValue("id"))
	var out Client
	if c != nil {
		out = c.public()
	}
	s.mu.Unlock()
	if c == nil {
		adminFail(w, http.StatusNotFound, errNoClient)
		return
	}
	writeJSON(w, http.StatusOK, out)
}

// adminPatchClient changes what the body names and leaves the rest; a new secret takes the place of the old at once.
func (s *Sandbox) adminPatchClient(w http.ResponseWriter, r *http.Request) {
	var change json.RawMessage
	if err := decode(w, r, &change); err != nil {
		adminFail(w, http.StatusBadRequest, err)
		return
	}
	out, err := s.PatchClient(r.PathValue("provider"), r.PathValue("id"), change)
	switch {
	case errors.Is(err, errNoClient):
		adminFail(w, http.StatusNotFound, err)
	case err != nil:
		adminFail(w, http.StatusUnprocessableEntity, err)
	default:
		writeJSON(w, http.StatusOK, out)
	}
}

// PatchClient lays the members of a JSON object over a client and returns it without its secrets. Grants stay.
func (s *Sandbox) PatchClient(provider, id string, change []byte) (Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.client(provider, id)
	if c == nil {
		return Client{}, errNoClient
	}
	next := c.clone()
	if err := strictJSON(change, &next); err != nil {
		return Client{}, err
	}
	if next.Provider != c.Provider || next.ID != c.ID {
		return Client{}, errors.New("provider and client_id cannot be changed")
	}
	if err := s.checkClient(&next); err != nil {
		return Client{}, err
	}
	*c = next
	return c.public(), nil
}

func (s *Sandbox) adminDeleteClient(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	c := s.client(r.PathValue("provider"), r.PathValue("id"))
	if c != nil {
		for _, g := range s.grants {
			if g.client == c {
				s.endAndEject(g, "client_deleted")
			}
		}
		s.clients = slices.DeleteFunc(s.clients, func(o *Client) bool { return o == c })
	}
	s.mu.Unlock()
	if c == nil {
		adminFail(w, http.StatusNotFound, errNoClient)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Sandbox) adminValidateWebhook(w http.ResponseWriter, r *http.Request) {
	wrong, err := s.Validate(r.PathValue("provider"), r.PathValue("id"))
	if err != nil {
		adminFail(w, http.StatusUnprocessableEntity, err)
		return
	}
	writeJSON(w, http.StatusOK, object{"ok": wrong == "", "detail": wrong})
}

func (s *Sandbox) adminPatchPerson(w http.ResponseWriter, r *http.Request) {
	take(func(in struct {
		Status string `json:"status"`
		PMI    int64  `json:"pmi"`
	}) (Person, error) {
		if in.PMI != 0 {
			return s.SetPMI(r.PathValue("person"), in.PMI)
		}
		return s.SetStatus(r.PathValue("provider"), r.PathValue("person"), in.Status)
	}, http.StatusOK)(w, r)
}

func strictJSON(raw []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("the change is not the JSON expected: %w", err)
	}
	return nil
}
