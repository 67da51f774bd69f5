package web_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lanyard"
	"lanyard/internal/web"
)

type paintIn struct {
	ID   string `path:"id"`
	Body struct {
		Colour string   `json:"colour,omitempty" enum:"red,blue"`
		Layers []string `json:"layers,omitempty"`
	}
}

type paintOut struct {
	ID     string     `json:"id"`
	Text   string     `json:"text"`
	At     *time.Time `json:"at,omitempty"`
	Layers []string   `json:"layers"`
}

// What goes the short way is answered as it is the long way, to the letter. A
// space in the body is all that makes the difference.
func TestTheShortWayAnswersAsTheLongWay(t *testing.T) {
	w := newWorld(t, nil)
	paint := func(_ context.Context, p lanyard.Principal, in *paintIn) (*paintOut, error) {
		switch in.ID {
		case "missing":
			return nil, lanyard.Errorf(lanyard.CodeNotFound, "")
		case "soon":
			return nil, &lanyard.Error{Code: lanyard.CodeNeedsReauth, ReconnectURL: "https://connect.example/r", RetryAfter: 1500 * time.Millisecond}
		case "broken":
			return nil, io.ErrUnexpectedEOF
		}
		at := time.Unix(1_800_000_000, 5000).UTC()
		return &paintOut{ID: in.ID, Text: "<b>&\u2028é", At: &at, Layers: append([]string{}, in.Body.Layers...)}, nil
	}
	web.JSON(w.front, web.Operation{Method: "POST", Path: "/v1/walls/{id}/paint", ID: "paint", Summary: "Paint", Scope: lanyard.ScopeRead}, paint)
	web.JSON(w.front, web.Operation{Method: "PUT", Path: "/v1/walls/{id}/paint", ID: "repaint", Summary: "Paint", Scope: lanyard.ScopeRead, Status: 202}, paint)
	h := w.front.Handler()
	ask := func(method, id, body string) *http.Response {
		r := httptest.NewRequestWithContext(t.Context(), method, "/v1/walls/"+id+"/paint", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer good")
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Request-Id", "req_the_same")
		got := httptest.NewRecorder()
		h.ServeHTTP(got, r)
		return got.Result()
	}
	for _, method := range []string{"POST", "PUT"} {
		for _, id := range []string{"north", "a%2Fb%20c", "missing", "soon", "broken"} {
			short, long := ask(method, id, "{}"), ask(method, id, "{ }")
			a, _ := io.ReadAll(short.Body)
			b, _ := io.ReadAll(long.Body)
			if diff := cmp.Diff(string(b), string(a)); diff != "" || short.StatusCode != long.StatusCode {
				t.Errorf("%s %s: the long way %d, the short way %d: %s", method, id, long.StatusCode, short.StatusCode, diff)
			}
			if diff := cmp.Diff(long.Header, short.Header); diff != "" {
				t.Errorf("%s %s: headers, the long way, the short way: %s", method, id, diff)
			}
		}
		if got := ask(method, "north", `{"colour":"green"}`); got.StatusCode < 400 {
			t.Errorf("%s: got %d, want what has members to be validated", method, got.StatusCode)
		}
	}
}
