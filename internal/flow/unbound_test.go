package flow_test

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"lanyard"
	"lanyard/internal/connection"
	"lanyard/internal/flow"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/provider"
	"lanyard/internal/sandbox"
)

const ownCallback = "http://localhost:7000/own"

// codeFor is what a vendor's customer has in hand: a code that nothing is tied to.
func codeFor(w *lanyardtest.World, app, person string, scopes ...string) string {
	w.T.Helper()
	if len(scopes) == 0 {
		scopes = lanyardtest.ZoomScopes
	}
	q := url.Values{"response_type": {"code"}, "client_id": {"zc_" + app[4:16]}, "redirect_uri": {ownCallback}, "scope": {strings.Join(scopes, " ")},
		"sandbox_consent": {"allow"}, "sandbox_person": {person}}
	b := w.Browser()
	b.Go("GET", w.SandURL+"/zoom/oauth/authorize?"+q.Encode(), nil)
	at, err := url.Parse(b.Next())
	if err != nil || at.Query().Get("code") == "" {
		w.T.Fatalf("got %s, %v, want a code", b.Next(), err)
	}
	return at.Query().Get("code")
}

// vendor is a key of the world's project, at a node started by hand.
type vendor struct {
	t *testing.T
	*node
	p   lanyard.Principal
	app lanyard.AppID
}

func vendorOf(t *testing.T, w *lanyardtest.World, app string) *vendor {
	t.Helper()
	var project lanyard.ProjectID
	w.One(&project, `SELECT project_id FROM apps WHERE id = $1`, app)
	return &vendor{t: t, node: start(t, w), app: lanyard.AppID(app),
		p: lanyard.Principal{Project: project, Name: "key:lyk_vendor", Scopes: []lanyard.Scope{lanyard.ScopeConnect}}}
}

func (v *vendor) post(code string, change ...func(*flow.Unbound)) (connection.View, bool, error) {
	v.t.Helper()
	u := flow.Unbound{App: v.app, Code: lanyard.NewSecret(code), RedirectURI: ownCallback, Needed: []string{"user:read:user", "user:read:token"}}
	for _, f := range change {
		f(&u)
	}
	return v.journeys.Unbound(v.t.Context(), v.p, u)
}

func (v *vendor) fails(want error, code string, change ...func(*flow.Unbound)) {
	v.t.Helper()
	if _, _, err := v.post(code, change...); !errors.Is(err, want) {
		v.t.Errorf("got %v, want %v", err, want)
	}
}

func allowUnbound(w *lanyardtest.World) {
	w.T.Helper()
	w.OK("PATCH", "/v1/project", map[string]any{"allow_unbound_codes": true})
}

// A code without state may be anybody's, posted by whoever got hold of it: a project that
// has not said it lives with that takes none, and the log has the try.
func TestCodesWithoutStateAreOffUntilTheyAreAllowed(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	app := w.Zoom()
	code := codeFor(w, app, "ana")
	v := vendorOf(t, w, app)
	v.fails(lanyard.CodeUnboundCodesOff, code)
	v.stop(t)
	restart(w)
	if used(w, "code") != 0 {
		t.Error("the code was sent all the same")
	}
	if list := w.OK("GET", "/v1/audit/entries?what=consent.refused", nil).List("data"); len(list) != 1 || list[0].Str("code") != "unbound_codes_off" {
		t.Errorf("got %v, want one refusal on record", list)
	}
}

// The same account comes twice: it keeps its connection, and its metadata unless there
// is other. The log says how it came.
func TestAnAccountKeepsItsConnection(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app := w.Zoom()
		allowUnbound(w)
		codes := []string{codeFor(w, app, "ana"), codeFor(w, app, "ana"), codeFor(w, app, "ana"), codeFor(w, app, "ben")}
		v := vendorOf(t, w, app)
		first, fresh, err := v.post(codes[0], func(u *flow.Unbound) { u.Metadata = map[string]string{"tenant": "7"} })
		if err != nil || !fresh || first.Status != lanyard.StatusActive || first.Metadata["tenant"] != "7" || first.Account.ID == "" {
			t.Fatalf("got %+v, %v, %v, want a new connection", first, fresh, err)
		}
		again, fresh, err := v.post(codes[1])
		if err != nil || fresh || again.ID != first.ID || again.Metadata["tenant"] != "7" {
			t.Errorf("got %+v, %v, %v, want the same one as it was", again, fresh, err)
		}
		other, fresh, err := v.post(codes[2], func(u *flow.Unbound) { u.Metadata = map[string]string{"tenant": "8"}; u.Needed = []string{"user:read:user"} })
		if err != nil || fresh || other.ID != first.ID || other.Metadata["tenant"] != "8" || len(other.Needed) != 1 {
			t.Errorf("got %+v, %v, %v, want other metadata and needs", other, fresh, err)
		}
		bens, fresh, err := v.post(codes[3])
		if err != nil || !fresh || bens.ID == first.ID {
			t.Errorf("got %+v, %v, %v, want another connection for another account", bens, fresh, err)
		}
		v.stop(t)
		restart(w)
		c := w.OK("GET", "/v1/connections/"+string(first.ID), nil)
		if c.Str("end_user.id") != "zoom:"+first.Account.ID || c.Str("origin") != "unbound_code" {
			t.Errorf("got %v, want the account as its end user", c)
		}
		made := w.OK("GET", "/v1/audit/entries?what=connection.created&connection_id="+string(first.ID), nil).List("data")
		if len(made) != 1 || made[0].Str("detail.origin") != "unbound_code" || made[0].Str("detail.browser") != "browser_not_seen" || made[0].Str("detail.callback") != "http://localhost:7000" {
			t.Errorf("got %v, want it said how it came", made)
		}
		if records := w.OK("GET", "/v1/consents?connection_id="+string(first.ID), nil).List("data"); len(records) != 3 || records[0].Str("origin") != "unbound_code" || records[0].Str("shown") != "not_seen" {
			t.Errorf("got %v, want three consents of which we saw nothing", records)
		}
		if list := w.OK("GET", "/v1/events?type=security.granted_beyond_request", nil).List("data"); len(list) != 0 {
			t.Errorf("got %v, want no alarm: what was asked for is not known", list)
		}

		// Let go of, it does not come back: a new consent makes a new one.
		w.OK("DELETE", "/v1/connections/"+string(first.ID), nil)
		code := codeFor(w, app, "ana")
		v = vendorOf(t, w, app)
		if next, fresh, err := v.post(code); err != nil || !fresh || next.ID == first.ID {
			t.Errorf("got %+v, %v, %v, want a new connection", next, fresh, err)
		}
		v.stop(t)
		restart(w)
	})
}

// Whoever has seen a code go by posts it again, at once and later: the provider hears of
// it once (at Zoom a second exchange of a code is a reason to end the first).
func TestACodeIsSentOnce(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app := w.Zoom()
		allowUnbound(w)
		code, stranger := codeFor(w, app, "ana"), codeFor(w, app, "ben")
		v := vendorOf(t, w, app)
		var mu sync.Mutex
		var ids []lanyard.ConnectionID
		var g sync.WaitGroup
		for range 5 {
			g.Go(func() {
				c, _, err := v.post(code)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					ids = append(ids, c.ID)
				} else if !errors.Is(err, lanyard.CodeCodeRejected) {
					t.Errorf("got %v, want code_rejected", err)
				}
			})
		}
		g.Wait()
		if slices.Sort(ids); len(ids) == 0 || len(slices.Compact(ids)) != 1 {
			t.Errorf("got %v, want one connection", ids)
		}
		v.fails(lanyard.CodeCodeRejected, code)
		v.fails(lanyard.CodeCodeRejected, "a code that Zoom does not know")
		v.fails(lanyard.CodeCodeRejected, "a code that Zoom does not know")
		v.fails(lanyard.CodeInvalidRequest, "")
		for _, at := range []string{"", "http://app.example/cb", "https://u:p@app.example/", "javascript:alert(1)", "https://app.example/#f"} {
			v.fails(lanyard.CodeInvalidRequest, stranger, func(u *flow.Unbound) { u.RedirectURI = at })
		}
		v.fails(lanyard.NotFound, stranger, func(u *flow.Unbound) { u.App = lanyard.NewID[lanyard.AppID]("app_") })
		v.p.Project = lanyard.NewID[lanyard.ProjectID]("prj_")
		v.fails(lanyard.NotFound, stranger)
		v.stop(t)
		restart(w)
		if used(w, "code") != 1 || len(w.Sandbox.Ledger(sandbox.Query{Event: "reuse_detected"})) != 0 {
			t.Errorf("%d exchanges of known codes, want 1, and none twice", used(w, "code"))
		}
		var attempts int
		if w.One(&attempts, `SELECT count(*) FROM attempts WHERE kind = 'code'`); attempts != 2 {
			t.Errorf("%d codes were sent, want 2", attempts)
		}
	})
}

// What is refused binds nothing, and the tokens go back: Zoom has no grant of it then.
func TestWhatIsRefusedIsGivenBack(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app := w.Zoom()
		allowUnbound(w)
		few, inactive, refused := codeFor(w, app, "ana", "user:read:user"), codeFor(w, app, "emil"), codeFor(w, app, "ben")
		v := vendorOf(t, w, app)
		_, _, err := v.post(few)
		if e, ok := errors.AsType[*lanyard.Error](err); !ok || e.Code != lanyard.CodeScopesMissing || !slices.Equal(e.MissingScopes, []string{"user:read:token"}) {
			t.Errorf("got %v, want the scope named", err)
		}
		v.fails(lanyard.CodeAccountNotActive, inactive)
		seen := ""
		v.fails(lanyard.CodeHostRequired, refused, func(u *flow.Unbound) {
			u.Accept = func(who provider.Identity, granted []string) error {
				seen = who.Subject + " " + strings.Join(granted, " ")
				return lanyard.Errorf(lanyard.CodeHostRequired, "")
			}
		})
		if !strings.Contains(seen, " user:read:user ") {
			t.Errorf("it was asked about %q", seen)
		}
		for _, code := range []string{few, inactive, refused} {
			v.fails(lanyard.CodeCodeRejected, code)
		}
		v.stop(t)
		restart(w)
		if list := w.OK("GET", "/v1/connections", nil).List("data"); len(list) != 0 {
			t.Errorf("got %v, want nothing bound", list)
		}
		for _, g := range w.Sandbox.Grants() {
			if g.Ended == "" {
				t.Errorf("got %+v, want it given back", g)
			}
		}
	})
}

// Zoom does not say whose account it is. The code is spent, so the same may be posted
// again, and nothing is asked of Zoom twice; a vendor's check that nobody is there to
// make any more refuses.
func TestAnAccountThatCannotBeSeenYet(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	app := w.Zoom()
	allowUnbound(w)
	anas, bens := codeFor(w, app, "ana"), codeFor(w, app, "ben")
	v := vendorOf(t, w, app)
	accepts := func(u *flow.Unbound) { u.Accept = func(provider.Identity, []string) error { return nil } }
	down := fault(t, w, sandbox.Fault{Match: sandbox.Match{Endpoint: "userinfo"}, Action: "status", Status: 503})
	v.fails(lanyard.CodeIdentityUnavailable, anas, accepts)
	v.fails(lanyard.CodeIdentityUnavailable, bens, accepts)
	w.Sandbox.RemoveFault(down)
	if c, fresh, err := v.post(anas, accepts); err != nil || !fresh || c.Status != lanyard.StatusActive {
		t.Errorf("got %+v, %v, %v, want the connection", c, fresh, err)
	}
	w.SQL(`UPDATE flows SET created_at = created_at - 120000000 WHERE state = 'received'`)
	for _, task := range v.journeys.Tasks() {
		if task.Name == "flow.identity" {
			if err := task.Run(t.Context()); !errors.Is(err, lanyard.CodeAttemptExpired) {
				t.Errorf("got %v, want attempt_expired", err)
			}
		}
	}
	v.fails(lanyard.CodeCodeRejected, bens, accepts)
	v.stop(t)
	restart(w)
	if list := w.OK("GET", "/v1/connections", nil).List("data"); len(list) != 1 || used(w, "code") != 2 {
		t.Errorf("got %v after %d exchanges, want ana's after two", list, used(w, "code"))
	}
}
