package app_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lanyard"
	"lanyard/internal/lanyardtest"
)

// other makes a second customer and returns a key of theirs.
func other(t *testing.T, w *lanyardtest.World) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", w.Socket)
	}}}
	post := func(path, project string, body any) lanyardtest.JSON {
		t.Helper()
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), "POST", w.URL+path, strings.NewReader(string(raw)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if project != "" {
			r.Header.Set("Lanyard-Project", project)
		}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		out := lanyardtest.JSON{}
		if err := json.NewDecoder(resp.Body).Decode(&out); err != nil || resp.StatusCode != http.StatusCreated {
			t.Fatalf("%s: got %d %v %v", path, resp.StatusCode, out, err)
		}
		return out
	}
	project := post("/v1/operator/projects", "", map[string]any{"name": "other"}).Str("id")
	return post("/v1/keys", project, map[string]any{"name": "first", "scopes": lanyard.Scopes}).Str("credential")
}

func zoom(w *lanyardtest.World, more map[string]any) map[string]any {
	body := map[string]any{"provider": "zoom", "scopes": lanyardtest.ZoomScopes, "endpoints": w.ZoomEndpoints()}
	for k, v := range more {
		body[k] = v
	}
	return body
}

func TestDraftAndReady(t *testing.T) {
	w := lanyardtest.New(t)
	a := w.OK("POST", "/v1/apps", zoom(w, nil))
	if a.Str("state") != "draft" || !strings.HasSuffix(a.Str("redirect_uri"), "/oauth/callback/"+a.Str("id")) || !strings.HasSuffix(a.Str("webhook_url"), "/hooks/zoom/"+a.Str("id")) {
		t.Errorf("got %v, want a draft with what to paste at the provider", a)
	}
	path := "/v1/apps/" + a.Str("id")
	w.OK("PATCH", "/v1/project", map[string]any{"return_urls": []string{lanyardtest.Return}})
	w.Fails("app_not_ready", "POST", "/v1/connect-sessions", map[string]any{"app_id": a.Str("id"), "end_user": map[string]any{"id": "u"}, "return_url": lanyardtest.Return})
	if got := w.OK("PATCH", path, map[string]any{"client_id": "cid"}); got.Str("state") != "draft" {
		t.Errorf("an id alone: got %s, want draft", got.Str("state"))
	}
	if got := w.OK("PATCH", path, map[string]any{"client_secret": "sec"}); got.Str("state") != "ready" || got["has_client_secret"] == false {
		t.Errorf("both: got %v, want ready", got)
	}
	w.Fails("invalid_request", "PATCH", path, map[string]any{"client_id": "another"}) // connections would belong to nobody
	if got := w.OK("PATCH", path, map[string]any{"next_client_secret": "next"}); got["has_next_secret"] == false || got.Str("state") != "ready" {
		t.Errorf("got %v, want both secrets", got)
	}
	if got := w.OK("PATCH", path, map[string]any{"client_secret": ""}); got.Str("state") != "draft" {
		t.Errorf("the secret taken away: got %s, want draft", got.Str("state"))
	}
	w.OK("DELETE", path, nil)
	w.Fails("not_found", "GET", path, nil)
}

func TestScopesAndSettingsAreChecked(t *testing.T) {
	w := lanyardtest.New(t)
	for what, more := range map[string]map[string]any{
		"two in one":       {"scopes": []string{"a b"}},
		"a comma":          {"scopes": []string{"a,b"}},
		"a quote":          {"scopes": []string{`a"b`}},
		"not ASCII":        {"scopes": []string{"ä"}},
		"empty":            {"scopes": []string{""}},
		"too long":         {"scopes": []string{strings.Repeat("a", 201)}},
		"twice":            {"scopes": []string{"a", "a"}},
		"in both lists":    {"scopes": []string{"a"}, "scopes_optional": []string{"a"}},
		"plain http":       {"redirect_uris": []string{"http://customer.example/cb"}},
		"a fragment":       {"redirect_uris": []string{"https://customer.example/cb#x"}},
		"plain PKCE":       {"pkce": "plain"},
		"custom, of zoom":  {"custom": map[string]any{"id": "x"}},
		"no such endpoint": {"endpoints": map[string]string{"tokn": "https://zoom.us/oauth/token"}},
	} {
		w.Fails("invalid_request", "POST", "/v1/apps", zoom(w, more))
		_ = what
	}
	w.Fails("unknown_provider", "POST", "/v1/apps", zoom(w, map[string]any{"provider": "zoomm"}))
	var n int
	if w.One(&n, `SELECT count(*) FROM apps`); n != 0 {
		t.Errorf("got %d apps of what was refused", n)
	}
}

// T08: people are sent to a page under a name they know. Where that is, is the
// catalogue's to say, or the operator's.
func TestAKnownNameDoesNotLeadElsewhere(t *testing.T) {
	w := lanyardtest.New(t)
	bait := map[string]string{"authorize": "https://zoom.evil.example/oauth/authorize"}
	w.Fails("operator_only", "POST", "/v1/apps", map[string]any{"provider": "zoom", "scopes": lanyardtest.ZoomScopes, "endpoints": bait})
	a := w.OK("POST", "/v1/apps", zoom(w, nil))
	w.Fails("operator_only", "PATCH", "/v1/apps/"+a.Str("id"), map[string]any{"endpoints": bait})
}

// A client is registered once per instance, and who may hear that it is.
func TestAClientInUse(t *testing.T) {
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		key := other(t, w)
		client := func(secret string) map[string]any {
			return zoom(w, map[string]any{"client_id": "shared-client", "client_secret": secret})
		}
		first := w.OK("POST", "/v1/apps", client("right"))
		w.Fails("client_in_use", "POST", "/v1/apps", client("wrong")) // the same project sees its apps anyway
		w.FailsAs(key, "client_in_use", "POST", "/v1/apps", client("right"))
		w.FailsAs(key, "invalid_request", "POST", "/v1/apps", client("wrong"))
		w.OK("PATCH", "/v1/apps/"+first.Str("id"), map[string]any{"next_client_secret": "next"})
		w.FailsAs(key, "client_in_use", "POST", "/v1/apps", client("next"))

		// A client id is in every authorize URL: writing one down tells nothing, and takes nothing away.
		status, draft := w.Call(key, "POST", "/v1/apps", zoom(w, map[string]any{"client_id": "shared-client"}))
		if status != http.StatusCreated || draft.Str("state") != "draft" {
			t.Errorf("a draft with a known id: got %d %v, want what an unknown one gets", status, draft)
		}
		w.FailsAs(key, "invalid_request", "PATCH", "/v1/apps/"+draft.Str("id"), map[string]any{"client_secret": "wrong"})
		if status, squat := w.Call(key, "POST", "/v1/apps", zoom(w, map[string]any{"client_id": "not-theirs"})); status != http.StatusCreated {
			t.Fatalf("got %d %v", status, squat)
		}
		if got := w.OK("POST", "/v1/apps", zoom(w, map[string]any{"client_id": "not-theirs", "client_secret": "ours"})); got.Str("state") != "ready" {
			t.Errorf("got %v, want the owner not kept out by a draft of somebody else", got)
		}
	})
}

// Nothing that an app was given in confidence is on disk in the clear, or in an answer.
func TestSecretsOfAnAppAreSealed(t *testing.T) {
	w := lanyardtest.New(t)
	secrets := []string{"first-secret-of-the-app", "second-secret-of-the-app", "webhook-secret-of-the-app"}
	a := w.OK("POST", "/v1/apps", zoom(w, map[string]any{"client_id": "cid", "client_secret": secrets[0], "next_client_secret": secrets[1], "webhook_secret": secrets[2]}))
	raw, err := json.Marshal([]lanyardtest.JSON{a, w.OK("GET", "/v1/apps/"+a.Str("id"), nil), w.OK("GET", "/v1/audit/entries", nil)})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{"answers": string(raw), "log": w.Log.String()}
	for _, file := range []string{"lanyard.db", "lanyard.db-wal"} {
		if b, err := os.ReadFile(filepath.Join(w.DataDir, file)); err == nil {
			seen[file] = string(b)
		}
	}
	for where, text := range seen {
		for _, s := range secrets {
			if strings.Contains(text, s) {
				t.Errorf("%s: holds %q", where, s)
			}
		}
	}
	// One sealed value in the place of another does not open (T13).
	w.SQL(`UPDATE apps SET secret = webhook_secret`)
	w.OK("PATCH", "/v1/project", map[string]any{"return_urls": []string{lanyardtest.Return}})
	status, out := w.Call(w.Key, "POST", "/v1/apps/"+a.Str("id")+"/check", map[string]any{})
	lines := out.List("lines")
	if status != http.StatusOK || len(lines) == 0 || lines[0].Str("state") != "refused" {
		t.Errorf("got %d %v, want it refused by us", status, out)
	}
}

// An app with connections stays.
func TestAnAppInUseIsNotDeleted(t *testing.T) {
	w := lanyardtest.New(t)
	app := w.Zoom()
	c := w.Connect(app, "u", "ana")
	w.Fails("app_in_use", "DELETE", "/v1/apps/"+app, nil)
	w.OK("DELETE", "/v1/connections/"+c.Str("id"), nil)
	w.OK("DELETE", "/v1/apps/"+app, nil)
}
