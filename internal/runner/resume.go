package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"

	"lanyard"
)

// What becomes of a request whose answer nobody has: the process that made it is gone, or
// the answer was lost on its way. A second one must make no second bot.

// finder is a vendor that can be asked which bot it made of a request.
type finder interface {
	find(request call) (path string, ok bool)              // ok false: nothing in the request tells it from others
	found(j Job, request call, answer []byte) (ref string) // empty: it has made none, or none that still lives
}

// repeater is a vendor that, sent a request for the second time, makes no second bot.
type repeater interface{ once() }

// Resumes says whether it can be found out what became of a request for a bot.
func (s *Service) Resumes(r lanyard.Runner, j Job) bool {
	v, ok := vendorOf(r)
	if !ok {
		return false
	}
	c, err := v.start(own(r, j), s.Store.Clock())
	_, can := again(v, c)
	return err == nil && can
}

// again is how a vendor is asked for a bot that it may have been asked for before; a path is
// to be read first.
func again(v vendor, c call) (path string, can bool) {
	switch v := v.(type) {
	case finder:
		return v.find(c)
	case repeater:
		return "", true
	}
	return "", false
}

// Resume finds out what became of a request for a bot whose answer is lost, and makes it
// again where it has not arrived and send says that the bot is still wanted. The answer is
// that to the request, with the bot's name; without a status, nothing can be found out, or
// there is a bot whose name the vendor does not say, or there is none and none is wanted.
func (s *Service) Resume(ctx context.Context, r lanyard.Runner, j Job, send bool) (Answer, error) {
	v, ok := vendorOf(r)
	if !ok {
		return Answer{}, nil
	}
	now := s.Store.Clock()
	if _, same := v.(repeater); same { // to the byte what it was
		now = j.AskedAt
	}
	c, err := v.start(own(r, j), now)
	if err != nil {
		return Answer{}, err
	}
	path, can := again(v, c)
	if !can {
		return Answer{}, nil
	}
	if path != "" {
		a, err := s.do(ctx, r, v, call{method: http.MethodGet, path: path})
		if err != nil || !a.OK() {
			return a, err
		}
		if a.Ref = plainRef(v.(finder).found(j, c, a.Body)); a.Ref != "" {
			return a, nil
		}
	}
	if !send {
		return Answer{}, nil
	}
	a, err := s.ask(ctx, r, v, c)
	if err == nil && (a.Status == http.StatusConflict || a.Status == http.StatusBadRequest && bytes.Contains(a.Body, []byte("deduplication_key"))) {
		return Answer{}, nil // it has made one of the request before
	}
	return a, err
}

// keyOf is what Attendee knows a request by.
func (attendee) keyOf(request call) (key string) {
	var in struct {
		Key string `json:"deduplication_key"`
	}
	_ = json.Unmarshal(request.body, &in)
	return in.Key
}

func (a attendee) find(request call) (string, bool) {
	key := a.keyOf(request)
	return "/bots?deduplication_key=" + url.QueryEscape(key), key != ""
}

// found: with one key Attendee has one bot at a time that is not over. With a key of the
// customer's, what is over may have been made before; with ours it is the bot.
func (a attendee) found(j Job, request call, answer []byte) string {
	var list struct {
		Results []struct {
			ID    string `json:"id"`
			State string `json:"state"`
			Key   string `json:"deduplication_key"`
		} `json:"results"`
	}
	_ = json.Unmarshal(answer, &list)
	key := a.keyOf(request)
	for _, b := range list.Results {
		if b.Key == key && (key == j.once(string(j.Bot)) || !slices.Contains([]string{"ended", "fatal_error", "data_deleted"}, b.State)) {
			return b.ID
		}
	}
	return ""
}

func (meetstream) once() {}
