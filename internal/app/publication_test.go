package app_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
	"lanyard/internal/vault"
)

// What meetings say corrects what was declared, once, and no longer than until it is
// declared anew.
func TestRefuted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := app.New(app.Config{Store: db})
		p := lanyard.Principal{Project: "prj_1", Name: "key:bot"}
		change := func(f func(tx *store.Tx) error) {
			t.Helper()
			if err := db.Bookkeep(t.Context(), f); err != nil {
				t.Fatal(err)
			}
		}
		change(func(tx *store.Tx) error {
			return errors.Join(tx.AddProject(lanyard.Project{ID: "prj_1", Name: "one"}, vault.SealedKeyset{Level: "project", Owner: "prj_1", Sealed: []byte("k"), Version: 1}),
				tx.AddApp(lanyard.App{ID: "app_1", Project: "prj_1", Provider: "zoom", State: lanyard.AppDraft}, nil))
		})
		read := func() (a lanyard.App) {
			t.Helper()
			if err := db.View(t.Context(), func(q *store.Query) (err error) { a, err = q.App("prj_1", "app_1"); return err }); err != nil {
				t.Fatal(err)
			}
			return a
		}
		declare := func(is lanyard.Published) {
			a := read()
			change(func(tx *store.Tx) error {
				a.Published, a.PublishedAt = is, tx.Now()
				return tx.PutApp(a, nil)
			})
		}
		told := func(code string, want lanyard.Published, refuted bool) {
			t.Helper()
			if err := s.Refuted(t.Context(), p, "app_1", code); err != nil {
				t.Fatal(err)
			}
			if is, by := read().Publication(); is != want || by != refuted {
				t.Errorf("after %s: got %q, %v, want %q, %v", code, is, by, want, refuted)
			}
		}
		told("4011", lanyard.PublishedNo, true) // nothing was declared
		declare(lanyard.PublishedYes)
		if is, by := read().Publication(); is != lanyard.PublishedYes || by {
			t.Errorf("declared anew: got %q, %v, want yes", is, by)
		}
		told("4017", lanyard.PublishedYes, false) // the person was not there: that says nothing
		told("nonsense", lanyard.PublishedYes, false)
		told("504", lanyard.PublishedUnknown, true)
		told("504", lanyard.PublishedUnknown, true)
		told("63", lanyard.PublishedNo, true)
		told("4011", lanyard.PublishedNo, true)
		told("504", lanyard.PublishedNo, true) // what is settled does not become uncertain
		declare(lanyard.PublishedNo)
		told("4012", lanyard.PublishedNo, false)

		foreign := lanyard.Principal{Project: "prj_2", Name: "key:other"}
		if err := s.Refuted(t.Context(), foreign, "app_1", "4011"); !errors.Is(err, lanyard.CodeNotFound) {
			t.Errorf("another project's app: got %v, want not found", err)
		}
		var codes []string
		if err := db.View(t.Context(), func(q *store.Query) error {
			list, _, err := q.Entries("prj_1", lanyard.EntryFilter{What: lanyard.ActAppChanged}, lanyard.Page{})
			for _, e := range list {
				codes = append(codes, e.Detail["change"]+" "+e.Detail["sdk_code"])
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if want := []string{"refuted 63", "refuted 504", "refuted 4011"}; !slices.Equal(codes, want) {
			t.Errorf("the log: got %q, want %q: one entry for each that changed something", codes, want)
		}
	})
}

// The operator declares it; app, check and log say so. A change of something else does
// not declare it anew.
func TestPublicationIsDeclared(t *testing.T) {
	w := lanyardtest.New(t)
	id := w.Zoom()
	path := "/v1/apps/" + id
	is := func(what, want, declared string) lanyardtest.JSON {
		t.Helper()
		a := w.OK("GET", path, nil)
		if a.Str("published.is") != want || a.Str("published.declared") != declared {
			t.Errorf("%s: got %v, want %s, declared %s", what, a["published"], want, declared)
		}
		return a
	}
	is("at first", "unknown", "unknown")
	w.Fails("invalid_request", "PATCH", path, map[string]any{"published": "maybe"})
	w.OK("PATCH", path, map[string]any{"published": "yes"})
	at := is("declared", "yes", "yes").Str("published.declared_at")
	w.SQL(`UPDATE apps SET refuted = '4011', refuted_at = $1`, time.Now().UnixMicro())
	w.OK("PATCH", path, map[string]any{"name": "Other"})
	a := is("refuted", "no", "yes")
	if a.Str("published.declared_at") != at || a.Str("published.sdk_code") != "4011" || a.Str("published.refuted_at") == "" || at == "" {
		t.Errorf("got %v, want what spoke against it, and when", a["published"])
	}
	line := lanyardtest.JSON{}
	for _, l := range w.OK("POST", path+"/check", nil).List("lines") {
		if strings.HasPrefix(l.Str("what"), "approval") {
			line = l
		}
	}
	if line.Str("state") != "refused" || !strings.Contains(line.Str("how"), "4011") || !strings.Contains(line.Str("how"), "--published yes") {
		t.Errorf("check: got %v, want it refused by Zoom, with what to do", line)
	}
	w.OK("PATCH", path, map[string]any{"published": "unknown"})
	is("taken back", "unknown", "unknown")
	google := w.OK("POST", "/v1/apps", map[string]any{"provider": "google", "scopes": []string{"openid"}})
	if google["published"] != nil {
		t.Errorf("google: got %v, want nothing said of meetings", google["published"])
	}
}
