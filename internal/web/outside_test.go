package web_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"lanyard"
	"lanyard/internal/web"
)

// A vendor's clients send members that we do not know; what two readers of one body could
// read differently is refused all the same.
func TestObject(t *testing.T) {
	for _, c := range []struct {
		what, body string
		want       lanyard.Code
	}{
		{"any members", `{"a":1,"B":{"c":[null,"x"]}}`, ""},
		{"spaces around", " \n{}\n ", ""},
		{"nothing", "", lanyard.CodeInvalidJSON},
		{"a form", "code=x", lanyard.CodeInvalidJSON},
		{"a list", "[]", lanyard.CodeInvalidJSON},
		{"a member twice", `{"code":"a","code":"b"}`, lanyard.CodeDuplicateMember},
		{"a member twice, deep", `{"zoom":{"obf_url":"a","obf_url":"b"}}`, lanyard.CodeDuplicateMember},
		{"a NUL", `{"a":"\u0000"}`, lanyard.CodeInvalidJSON},
		{"half a character", `{"a":"\ud800"}`, lanyard.CodeInvalidJSON},
		{"no UTF-8", "{\"a\":\"\xff\"}", lanyard.CodeInvalidJSON},
		{"too deep", strings.Repeat(`{"a":`, 20) + "1" + strings.Repeat("}", 20), lanyard.CodeInvalidJSON},
		{"two values", `{}{}`, lanyard.CodeInvalidJSON},
		{"too large", `{"a":"` + strings.Repeat("x", 65<<10) + `"}`, lanyard.CodeBodyTooLarge},
	} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(c.body))
		raw, err := web.Object(r)
		if lanyard.CodeOf(err) != c.want && !(err == nil && c.want == "") {
			t.Errorf("%s: got %v, want %q", c.what, err, c.want)
		}
		if err == nil && string(raw) != c.body {
			t.Errorf("%s: got %q, want the body as it came", c.what, raw)
		}
	}
}

// A front that has to know who asks before it knows what is asked used to count a wrong key
// twice, once for each time it asked.
func TestTheCallerIsFoundOutOnce(t *testing.T) {
	w := newWorld(t, func(c *web.Config) { c.Limits.FailedPerMinute = 4 })
	w.front.Handle("/vendor", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, first := w.front.Caller(r)
		_, again := w.front.Caller(r)
		_, err := w.front.Admit(r, lanyard.ScopeRead)
		if !errors.Is(err, lanyard.CodeOf(first)) || !errors.Is(again, lanyard.CodeOf(first)) {
			t.Errorf("got %v, %v and %v, want the same three times", first, again, err)
		}
		w.front.WriteProblem(rw, r, err)
	}))
	for i := range 4 {
		r := httptest.NewRequest("GET", "/vendor", nil)
		r.RemoteAddr = "127.0.0.1:1"
		r.Header.Set("Authorization", "Token wrong")
		rec := httptest.NewRecorder()
		w.front.Handler().ServeHTTP(rec, r)
		if rec.Code != 401 {
			t.Errorf("wrong key %d: got %d, want 401", i+1, rec.Code)
		}
	}
}

// What a service refuses as not there is on record, and so is what the key may not.
func TestRefusalsOutsideOfJSONAreOnRecord(t *testing.T) {
	w := newWorld(t, nil)
	w.front.Handle("GET /vendor/{id}", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		p, err := w.front.Admit(r, lanyard.ScopeRead)
		if err == nil {
			err = w.front.Record(r, p, lanyard.Errorf(lanyard.CodeNotFound, ""))
		}
		w.front.WriteProblem(rw, r, err)
	}))
	for _, key := range []string{"good", "weak"} {
		r := httptest.NewRequest("GET", "/vendor/x", nil)
		r.RemoteAddr = "127.0.0.1:1"
		r.Header.Set("Authorization", "Token "+key)
		w.front.Handler().ServeHTTP(httptest.NewRecorder(), r)
	}
	want := []string{"key:good GET /vendor/{id} not_found", "key:good GET /vendor/{id} scope_missing"}
	if got := strings.Join(w.door.denied, "; "); got != strings.Join(want, "; ") {
		t.Errorf("got %q, want %q", got, want)
	}
}
