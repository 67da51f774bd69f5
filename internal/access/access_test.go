package access_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/access"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
	"lanyard/internal/vault"
)

type world struct {
	t       *testing.T
	db      *store.DB
	vault   *vault.Vault
	access  *access.Service
	project lanyard.Project
	admin   lanyard.Principal // of a key with every scope
}

var operator = lanyard.Principal{Name: "operator", Operator: true}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{t: t, db: db}
	kek, err := vault.FindKEK(t.Context(), "file:"+filepath.Join(t.TempDir(), "kek"), "", db)
	w.must(err)
	w.vault, err = vault.Open(t.Context(), vault.Config{KEK: kek, Keysets: db, Fields: db})
	w.must(err)
	t.Cleanup(w.vault.Close)
	w.access, err = access.New(db, w.vault)
	w.must(err)
	w.project, err = w.access.CreateProject(t.Context(), operator, "default")
	w.must(err)
	w.admin = w.principal(w.key(w.operator(), access.NewKey{Scopes: lanyard.Scopes}))
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) operator() lanyard.Principal {
	p := operator
	p.Project = w.project.ID
	return p
}

func (w *world) key(p lanyard.Principal, n access.NewKey) lanyard.Secret {
	w.t.Helper()
	_, credential, err := w.access.CreateKey(w.t.Context(), p, n)
	w.must(err)
	return credential
}

func (w *world) principal(credential lanyard.Secret) lanyard.Principal {
	w.t.Helper()
	p, err := w.access.Authenticate(w.t.Context(), credential, lanyard.Origin{IP: "203.0.113.9"}, "req_1")
	w.must(err)
	return p
}

func (w *world) entries(project lanyard.ProjectID) []lanyard.Entry {
	w.t.Helper()
	var list []lanyard.Entry
	w.must(w.db.View(w.t.Context(), func(q *store.Query) (err error) {
		list, _, err = q.Entries(project, lanyard.EntryFilter{}, lanyard.Page{Limit: 200})
		return err
	}))
	return list
}

func TestAKeyIsWhoItIs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		end := time.Now().Add(time.Hour).Truncate(time.Microsecond)
		credential := w.key(w.admin, access.NewKey{Name: "bots", Scopes: []lanyard.Scope{lanyard.ScopeToken, lanyard.ScopeRead},
			Providers: []string{"zoom"}, Labels: []string{"sales"}, CIDRs: []string{"203.0.113.0/24", "2001:db8::1"}, ExpiresAt: end})
		p := w.principal(credential)
		if p.Project != w.project.ID || p.Operator || !p.May(lanyard.ScopeToken) || p.May(lanyard.ScopeAdmin) || !p.ExpiresAt.Equal(end) ||
			!slices.Equal(p.Providers, []string{"zoom"}) || !slices.Equal(p.Labels, []string{"sales"}) ||
			p.RequestID != "req_1" || p.Origin.IP != "203.0.113.9" || p.Name != "key:"+string(p.Key) {
			t.Errorf("got %+v", p)
		}
		for ip, ok := range map[string]bool{"203.0.113.255": true, "203.0.114.1": false, "2001:db8::1": true, "2001:db8::2": false, "::ffff:203.0.113.7": true, "": false} {
			p, err := w.access.Authenticate(t.Context(), credential, lanyard.Origin{IP: ip}, "")
			if (err == nil) != ok {
				t.Errorf("from %q: got %v, want let in: %t", ip, err, ok)
			}
			if err != nil && (!errors.Is(err, lanyard.CodeAddressNotAllowed) || p.Key == "") {
				t.Errorf("from %q: got %v and principal %q, want it named", ip, err, p.Name)
			}
		}
		list, _, err := w.access.Keys(t.Context(), w.admin, lanyard.Page{})
		w.must(err)
		if len(list) != 2 || list[0].Name != "bots" {
			t.Errorf("got %d keys, want two, newest first", len(list))
		}
		op := w.principal(w.key(operator, access.NewKey{Operator: true}))
		if !op.Operator || op.Project != "" || !strings.HasPrefix(string(op.Key), "lyo_") {
			t.Errorf("got %+v, want an operator", op)
		}
	})
}

// The secret half is nowhere in the database, and the MAC does not make a key.
func TestOnlyTheMACIsKept(t *testing.T) {
	w := newWorld(t, storetest.Open(t))
	k, credential, err := w.access.CreateKey(t.Context(), w.admin, access.NewKey{Scopes: []lanyard.Scope{lanyard.ScopeRead}})
	w.must(err)
	secret := string(credential.Reveal())[31:74]
	for _, s := range []string{string(k.MAC), k.Name, fmt.Sprintf("%+v", k)} {
		if strings.Contains(s, secret) {
			t.Error("got the secret in the row")
		}
	}
	for _, e := range w.entries(w.project.ID) {
		if strings.Contains(fmt.Sprintf("%+v", e), secret) {
			t.Error("got the secret in an entry")
		}
	}
}

func TestWithdrawnKeysEndAtOnceHereAndWithinASecondElsewhere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		other, err := access.New(db, w.vault) // another node on the same database
		w.must(err)
		credential := w.key(w.admin, access.NewKey{Scopes: []lanyard.Scope{lanyard.ScopeRead}})
		p := w.principal(credential)
		_, err = other.Authenticate(t.Context(), credential, lanyard.Origin{}, "")
		w.must(err)
		w.must(gone(w.access.RevokeKey(t.Context(), w.admin, p.Key, false)))
		got, err := w.access.Authenticate(t.Context(), credential, lanyard.Origin{}, "")
		if !errors.Is(err, lanyard.CodeCredentialInvalid) || got.Key != p.Key {
			t.Errorf("got %v right after, want it refused, and by name", err)
		}
		time.Sleep(1100 * time.Millisecond)
		if _, err := other.Authenticate(t.Context(), credential, lanyard.Origin{}, ""); !errors.Is(err, lanyard.CodeCredentialInvalid) {
			t.Errorf("got %v on the other node a second later, want it refused", err)
		}
		w.must(gone(w.access.RevokeKey(t.Context(), w.admin, p.Key, false))) // again: nothing changes
	})
}

func TestExpiredAndForgedKeys(t *testing.T) {
	w := newWorld(t, storetest.Open(t))
	credential := w.key(w.admin, access.NewKey{Scopes: []lanyard.Scope{lanyard.ScopeRead}, ExpiresAt: time.Now().Add(300 * time.Millisecond)})
	w.principal(credential)
	time.Sleep(350 * time.Millisecond)
	if _, err := w.access.Authenticate(t.Context(), credential, lanyard.Origin{}, ""); !errors.Is(err, lanyard.CodeCredentialInvalid) {
		t.Errorf("got %v after its end, want it refused", err)
	}
	before := len(w.entries(w.project.ID))
	for _, s := range []string{"", "x", "Bearer", string(credential.Reveal()) + "x", strings.ToUpper(string(credential.Reveal()))} {
		p, err := w.access.Authenticate(t.Context(), lanyard.NewSecret(s), lanyard.Origin{}, "")
		if !errors.Is(err, lanyard.CodeCredentialInvalid) || p.Key != "" || p.May(lanyard.ScopeRead) {
			t.Errorf("%q: got %v and %+v", s, err, p)
		}
	}
	if got := len(w.entries(w.project.ID)); got != before {
		t.Errorf("got %d entries written for callers whom we cannot name", got-before)
	}
}

// A flood of keys that were never issued asks the database nothing: it works
// with the database closed.
func TestInventedKeysDoNotReachTheDatabase(t *testing.T) {
	w := newWorld(t, storetest.Open(t))
	real := string(w.key(w.admin, access.NewKey{Scopes: []lanyard.Scope{lanyard.ScopeRead}}).Reveal())
	w.must(w.db.Close())
	for i := range 1000 {
		invented := string(lanyard.NewID[lanyard.KeyID]("lyk_")) + real[30:80] + fmt.Sprintf("%08d", i)
		if _, err := w.access.Authenticate(t.Context(), lanyard.NewSecret(invented), lanyard.Origin{}, ""); !errors.Is(err, lanyard.CodeCredentialInvalid) {
			t.Fatalf("got %v, want it refused without the database", err)
		}
	}
	if _, err := w.access.Authenticate(t.Context(), lanyard.NewSecret(real), lanyard.Origin{}, ""); err == nil || errors.Is(err, lanyard.CodeCredentialInvalid) {
		t.Errorf("got %v for a real key, want the truth: we cannot know", err)
	}
}

// T23: in no direction.
func TestAKeyNeverMakesAStrongerOne(t *testing.T) {
	w := newWorld(t, storetest.Open(t))
	end := time.Now().Add(time.Hour)
	narrow := access.NewKey{Scopes: []lanyard.Scope{lanyard.ScopeAdmin, lanyard.ScopeRead}, Providers: []string{"zoom", "slack"}, Labels: []string{"a"},
		CIDRs: []string{"203.0.113.0/24", "2001:db8::/32"}, ExpiresAt: end}
	p := w.principal(w.key(w.admin, narrow))
	with := func(change func(*access.NewKey)) access.NewKey {
		n := narrow
		n.ExpiresAt = end.Add(-time.Minute)
		change(&n)
		return n
	}
	for name, c := range map[string]struct {
		n  access.NewKey
		ok bool
	}{
		"the same":                  {with(func(*access.NewKey) {}), true},
		"narrower":                  {with(func(n *access.NewKey) { n.Providers, n.CIDRs = []string{"zoom"}, []string{"203.0.113.7"} }), true},
		"another scope":             {with(func(n *access.NewKey) { n.Scopes = append(slices.Clone(n.Scopes), lanyard.ScopeToken) }), false},
		"another provider":          {with(func(n *access.NewKey) { n.Providers = []string{"zoom", "google"} }), false},
		"all providers":             {with(func(n *access.NewKey) { n.Providers = nil }), false},
		"all labels":                {with(func(n *access.NewKey) { n.Labels = nil }), false},
		"another network":           {with(func(n *access.NewKey) { n.CIDRs = []string{"198.51.100.0/24"} }), false},
		"a wider network":           {with(func(n *access.NewKey) { n.CIDRs = []string{"203.0.112.0/22"} }), false},
		"one of two beyond":         {with(func(n *access.NewKey) { n.CIDRs = []string{"203.0.113.0/25", "0.0.0.0/0"} }), false},
		"every network":             {with(func(n *access.NewKey) { n.CIDRs = nil }), false},
		"a longer life":             {with(func(n *access.NewKey) { n.ExpiresAt = end.Add(time.Second) }), false},
		"for ever":                  {with(func(n *access.NewKey) { n.ExpiresAt = time.Time{} }), false},
		"an operator key":           {access.NewKey{Operator: true}, false},
		"the operator's, by socket": {access.NewKey{Operator: true}, true},
	} {
		by := p
		if strings.Contains(name, "by socket") {
			by = operator
		}
		_, _, err := w.access.CreateKey(t.Context(), by, c.n)
		if c.ok != (err == nil) || err != nil && !errors.Is(err, lanyard.CodeKeyTooStrong) {
			t.Errorf("%s: got %v, want allowed: %t", name, err, c.ok)
		}
	}
	denied := 0
	for _, e := range w.entries(w.project.ID) {
		if e.What == lanyard.ActKeyCreated && e.Outcome == "denied" && e.Code == lanyard.CodeKeyTooStrong && e.Key == p.Key {
			denied++
		}
	}
	if denied < 10 {
		t.Errorf("got %d refusals in the log, want one for each", denied)
	}
}

func TestNewKeysMustMakeSense(t *testing.T) {
	w := newWorld(t, storetest.Open(t))
	for name, n := range map[string]access.NewKey{
		"no scope": {}, "a scope that is none": {Scopes: []lanyard.Scope{"root"}}, "expired": {Scopes: lanyard.Scopes, ExpiresAt: time.Now().Add(-time.Second)},
		"no network": {Scopes: lanyard.Scopes, CIDRs: []string{"all"}}, "mapped": {Scopes: lanyard.Scopes, CIDRs: []string{"::ffff:1.2.3.0/120"}},
		"an empty provider": {Scopes: lanyard.Scopes, Providers: []string{""}}, "an operator with scopes": {Operator: true, Scopes: lanyard.Scopes},
		"a name with a line break": {Scopes: lanyard.Scopes, Name: "a\nb"},
	} {
		by := w.admin
		if n.Operator {
			by = operator
		}
		if _, _, err := w.access.CreateKey(t.Context(), by, n); !errors.Is(err, lanyard.CodeInvalidRequest) {
			t.Errorf("%s: got %v, want it refused", name, err)
		}
	}
}

// T22: another project's key is as absent as one that is not there, and trying is on record.
func TestKeysOfOthersAreAbsent(t *testing.T) {
	w := newWorld(t, storetest.Open(t))
	b, err := w.access.CreateProject(t.Context(), operator, "other")
	w.must(err)
	inB := operator
	inB.Project = b.ID
	theirs := w.principal(w.key(inB, access.NewKey{Scopes: lanyard.Scopes}))
	opKey := w.principal(w.key(operator, access.NewKey{Operator: true}))
	absent := lanyard.NewID[lanyard.KeyID]("lyk_")
	for _, id := range []lanyard.KeyID{theirs.Key, absent, opKey.Key, "lyk_x", "x' OR 1=1"} {
		_, err := w.access.RevokeKey(t.Context(), w.admin, id, false)
		if !errors.Is(err, lanyard.CodeNotFound) || err.Error() != lanyard.Errorf(lanyard.CodeNotFound, "").Error() {
			t.Errorf("%s: got %v, want the same not found for each", id, err)
		}
	}
	denied := 0
	for _, e := range w.entries(w.project.ID) {
		if e.What == lanyard.ActKeyRevoked && e.Outcome == "denied" && e.Key == w.admin.Key {
			denied++
		}
	}
	if denied != 2 {
		t.Errorf("got %d refusals on record, want those of the two ids that look like keys", denied)
	}
	list, _, err := w.access.Keys(t.Context(), w.admin, lanyard.Page{})
	w.must(err)
	for _, k := range list {
		if k.Project != w.project.ID {
			t.Errorf("got key %s of another project", k.ID)
		}
	}
}

func TestDenialsAreOnRecordWithASealedOrigin(t *testing.T) {
	w := newWorld(t, storetest.Open(t))
	p := w.admin
	p.Origin = lanyard.Origin{IP: "203.0.113.9", UserAgent: "bot/1"}
	w.must(w.access.Denied(t.Context(), p, "GET /v1/x", lanyard.Errorf(lanyard.CodeScopeMissing, "")))
	e := w.entries(w.project.ID)[0]
	if e.What != lanyard.ActDenied || e.Outcome != "denied" || e.Code != lanyard.CodeScopeMissing || e.Key != p.Key || e.Detail["route"] != "GET /v1/x" || e.RequestID != "req_1" {
		t.Errorf("got %+v", e)
	}
	if strings.Contains(fmt.Sprintf("%+v %s", e, e.Sealed), "203.0.113") {
		t.Error("got the address in the clear")
	}
	o, err := w.vault.OpenOrigin(t.Context(), vault.ProjectKey(p.Project), e.ID, e.Sealed)
	w.must(err)
	if o != p.Origin {
		t.Errorf("got %+v, want %+v", o, p.Origin)
	}
	nowhere := operator
	nowhere.Project, nowhere.Origin = "prj_00000000000000000000000000", p.Origin
	w.must(w.access.Denied(t.Context(), nowhere, "GET /v1/x", lanyard.Errorf(lanyard.CodeNotFound, "")))
}

func TestLastUseIsWrittenInBatches(t *testing.T) {
	w := newWorld(t, storetest.Open(t))
	lastUse := func() time.Time {
		list, _, err := w.access.Keys(t.Context(), w.admin, lanyard.Page{})
		w.must(err)
		return list[0].LastUsedAt
	}
	key := w.key(w.operator(), access.NewKey{Scopes: []lanyard.Scope{lanyard.ScopeRead}})
	before := w.db.Stats().Changes
	for range 100 {
		w.principal(key)
	}
	if n := w.db.Stats().Changes - before; n != 0 {
		t.Errorf("got %d changes by 100 uses, want none", n)
	}
	if !lastUse().IsZero() {
		t.Error("got it written at once, want a batch")
	}
	w.must(w.access.Flush(t.Context()))
	if got := lastUse(); time.Since(got) > time.Minute {
		t.Errorf("got %v after the batch", got)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	w.principal(key)
	if err := w.access.Flush(ctx); err == nil {
		t.Fatal("got a flush without a context done")
	}
	w.must(w.access.Flush(t.Context())) // what could not be written has waited
}

func TestProjectSettings(t *testing.T) {
	w := newWorld(t, storetest.Open(t))
	text := func(s string) *string { return &s }
	list := func(s ...string) *[]string { return &s }
	yes := true
	for name, c := range map[string]struct {
		change access.ProjectChange
		want   lanyard.Code
	}{
		"all":                        {access.ProjectChange{Name: text("n"), DisplayName: text("N"), LogoURL: text("https://a.example/l.png"), ReturnURLs: list("https://a.example/cb?x=1", "http://localhost:3000/cb"), Origins: list("https://a.example", "http://localhost:3000"), NotifyEmails: list("ops@a.example"), TimeZone: text("Europe/Berlin"), UnboundCodes: &yes, LinkMode: &yes}, ""},
		"cleared":                    {access.ProjectChange{LogoURL: text(""), ReturnURLs: list(), TimeZone: text("")}, ""},
		"http elsewhere":             {access.ProjectChange{ReturnURLs: list("http://a.example/cb")}, lanyard.CodeInvalidRequest},
		"a fragment":                 {access.ProjectChange{ReturnURLs: list("https://a.example/cb#x")}, lanyard.CodeInvalidRequest},
		"a user":                     {access.ProjectChange{ReturnURLs: list("https://u@a.example/cb")}, lanyard.CodeInvalidRequest},
		"our parameter":              {access.ProjectChange{ReturnURLs: list("https://a.example/cb?lanyard_completion=x")}, lanyard.CodeInvalidRequest},
		"javascript":                 {access.ProjectChange{LogoURL: text("javascript:alert(1)")}, lanyard.CodeInvalidRequest},
		"an origin with a path":      {access.ProjectChange{Origins: list("https://a.example/")}, lanyard.CodeInvalidRequest},
		"an origin in upper case":    {access.ProjectChange{Origins: list("https://A.example")}, lanyard.CodeInvalidRequest},
		"an origin with its port":    {access.ProjectChange{Origins: list("https://a.example:443")}, lanyard.CodeInvalidRequest},
		"no e-mail":                  {access.ProjectChange{NotifyEmails: list("Ops <ops@a.example>")}, lanyard.CodeInvalidRequest},
		"no zone":                    {access.ProjectChange{TimeZone: text("Middle/Earth")}, lanyard.CodeInvalidRequest},
		"no name":                    {access.ProjectChange{Name: text("")}, lanyard.CodeInvalidRequest},
		"what only the operator may": {access.ProjectChange{CustomAllowed: &yes}, lanyard.CodeOperatorOnly},
	} {
		before, err := w.access.Project(t.Context(), w.admin)
		w.must(err)
		got, err := w.access.ChangeProject(t.Context(), w.admin, c.change)
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: got %v", name, err)
			}
			continue
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
		after, err := w.access.Project(t.Context(), w.admin)
		w.must(err)
		if fmt.Sprint(before.Settings) != fmt.Sprint(after.Settings) {
			t.Errorf("%s: got %v stored by a change that was refused", name, got)
		}
	}
	pr, err := w.access.ChangeProject(t.Context(), w.operator(), access.ProjectChange{CustomAllowed: &yes})
	w.must(err)
	if !pr.Settings.CustomAllowed {
		t.Error("got the operator's change lost")
	}
	if _, err := w.access.CreateProject(t.Context(), w.admin, "mine"); !errors.Is(err, lanyard.CodeOperatorOnly) {
		t.Errorf("got %v for a project made with an API key", err)
	}
	if _, _, err := w.access.Projects(t.Context(), w.admin, lanyard.Page{}); !errors.Is(err, lanyard.CodeOperatorOnly) {
		t.Errorf("got %v for a list of all projects with an API key", err)
	}
}

func TestAnswersUnderAnIdempotencyKey(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx, route := t.Context(), "POST /v1/x"
		claim, status, _, err := w.access.Claim(ctx, w.admin, route, "k", []byte("request"))
		w.must(err)
		if status != 0 || claim == "" {
			t.Fatalf("got %d, want it ours to run", status)
		}
		if _, _, _, err := w.access.Claim(ctx, w.admin, route, "k", []byte("request")); !errors.Is(err, lanyard.CodeIdempotencyInProgress) {
			t.Errorf("got %v while it runs", err)
		}
		w.must(w.access.Keep(ctx, w.admin, claim, 201, []byte(`{"credential":"s3cr3t"}`)))
		if _, status, body, err := w.access.Claim(ctx, w.admin, route, "k", []byte("request")); err != nil || status != 201 || string(body) != `{"credential":"s3cr3t"}` {
			t.Errorf("got %d %s %v, want the answer", status, body, err)
		}
		if _, _, _, err := w.access.Claim(ctx, w.admin, route, "k", []byte("another")); !errors.Is(err, lanyard.CodeIdempotencyKeyReused) {
			t.Errorf("got %v for another request", err)
		}
		for _, c := range []struct{ route, key string }{{"POST /v1/y", "k"}, {route, "k2"}} {
			claim, status, _, err := w.access.Claim(ctx, w.admin, c.route, c.key, []byte("request"))
			if err != nil || status != 0 {
				t.Errorf("got %d %v for %v, want it apart", status, err, c)
			}
			w.must(w.access.Release(ctx, w.admin, claim))
			if _, status, _, err := w.access.Claim(ctx, w.admin, c.route, c.key, []byte("request")); err != nil || status != 0 {
				t.Errorf("got %d %v after a release, want it ours to run", status, err)
			}
		}
	})
}

// gone is whether a key could be withdrawn.
func gone(_ access.RevokedKey, err error) error { return err }
