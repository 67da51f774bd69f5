package simtest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/connection"
	"lanyard/internal/provider"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// world is everything that outlives a process.
type world struct {
	t     *testing.T
	seed  uint64
	dir   string
	log   *slog.Logger
	began time.Time

	// settings
	rate     float64
	inFlight int
	every    time.Duration // between two looks of the scheduler
	slower   time.Duration // all other tasks run so many times as seldom
	rough    float64       // part of the calls that something happens to

	mu       sync.Mutex // guards the ledgers, and:
	hosts    map[string]*host
	fair     bool                                         // nothing goes wrong any more
	script   func(h *host, sub string, n int) (act, bool) // what happens to an account's n-th call; false: what the weather has
	counts   map[string]int
	problems []string
	guilty   map[string]time.Time // accounts that they are about, and since when
	stories  map[string][]moment  // what happened to each account
	lines    bytes.Buffer         // the log

	proc    *process // the one that is alive; nil: down. Of the driver alone
	alive   sync.RWMutex
	dirs    int
	crashes []time.Time
	starts  []time.Time // of processes, after a stop or a crash

	project lanyard.ProjectID // of whoever is connected next
	person  lanyard.Person    // who has all accounts but those of people that go the way themselves
	apps    []*client
	people  []*person

	heard   map[lanyard.EventID]bool
	told    map[lanyard.EventType]int
	deadNow map[lanyard.ConnectionID]bool // told so last
	lost    map[lanyard.Code]int          // times somebody was called dead, by reason

	wires, zombies, acts sync.WaitGroup
}

// client is an app of ours at a provider.
type client struct {
	*host
	row      lanyard.App // as it was made
	id       string
	changing sync.Mutex // by one at a time
}

// person is an account at a provider, connected.
type person struct {
	*client
	i    int
	sub  string
	conn atomic.Value // lanyard.ConnectionID
	used bool         // its tokens are read
	gone bool         // to be deleted
	left string       // how that went
	busy atomic.Bool  // somebody connects or deletes it
}

func newWorld(t *testing.T, seed uint64) *world {
	base := t.TempDir()
	if _, err := os.Stat("/dev/shm"); err == nil { // syncs cost nothing there
		if dir, err := os.MkdirTemp("/dev/shm", "lanyard-simulation-"); err == nil {
			base = dir
			t.Cleanup(func() { os.RemoveAll(dir) })
		}
	}
	w := &world{t: t, seed: seed, dir: base, began: time.Now(), rate: 50, inFlight: 48, every: 5 * time.Second, slower: 1,
		hosts: map[string]*host{}, counts: map[string]int{}, stories: map[string][]moment{}, guilty: map[string]time.Time{}, heard: map[lanyard.EventID]bool{}, told: map[lanyard.EventType]int{},
		deadNow: map[lanyard.ConnectionID]bool{}, lost: map[lanyard.Code]int{}}
	w.log = slog.New(slog.NewTextHandler(logWriter{w}, &slog.HandlerOptions{Level: slog.LevelInfo}))
	if err := os.Mkdir(filepath.Join(base, "kek"), 0o700); err != nil {
		t.Fatal(err)
	}
	return w
}

// logWriter keeps what the processes log.
type logWriter struct{ w *world }

func (l logWriter) Write(b []byte) (int, error) {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	if secretIn(string(b)) {
		l.w.problem("a token is in the log: %s", b)
	}
	if bytes.Contains(b, []byte("panic")) {
		l.w.problem("a panic: %s", b)
	}
	if *verbose {
		fmt.Fprintf(os.Stderr, "%s", b)
	}
	if l.w.lines.Len() < 1<<20 {
		l.w.lines.Write(b)
	}
	return len(b), nil
}

// problem notes something that must not be. With mu.
func (w *world) problem(format string, args ...any) {
	w.problems = append(w.problems, fmt.Sprintf("%s: ", w.at(time.Now()))+fmt.Sprintf(format, args...))
}

// tell adds to the story of an account. With mu.
func (w *world) tell(sub, format string, args ...any) {
	w.stories[sub] = append(w.stories[sub], moment{time.Now(), fmt.Sprintf(format, args...)})
}

// about is problem, for one account, whose story is told with it. With mu.
func (w *world) about(sub, format string, args ...any) {
	w.problem(format, args...)
	if w.guilty[sub].IsZero() {
		w.guilty[sub] = time.Now()
	}
}

// moment is a line of a story.
type moment struct {
	at   time.Time
	what string
}

// story is what happened to an account before the first problem with it, and a little after.
func (w *world) story(sub string) string {
	all := w.stories[sub]
	slices.SortStableFunc(all, func(a, b moment) int { return a.at.Compare(b.at) })
	n := 0
	for n < len(all) && !all[n].at.After(w.guilty[sub]) {
		n++
	}
	var b strings.Builder
	for _, m := range all[max(0, n-25):min(len(all), n+8)] {
		fmt.Fprintf(&b, "%s: %s\n", w.at(m.at), m.what)
	}
	return b.String()
}

// at is a moment as the time since the beginning.
func (w *world) at(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Sub(w.began).Round(time.Millisecond).String()
}

func (w *world) newDir() string {
	w.dirs++
	return filepath.Join(w.dir, fmt.Sprintf("data%d", w.dirs))
}

// live is the process that is alive, or nil.
func (w *world) live() *process {
	w.alive.RLock()
	defer w.alive.RUnlock()
	return w.proc
}

func (w *world) setLive(p *process) {
	w.alive.Lock()
	defer w.alive.Unlock()
	w.proc = p
}

// addr is the address of the i-th provider.
func addr(i int) string { return fmt.Sprintf("127.0.0.1:%d", 9001+i) }

// addHost makes a provider.
func (w *world) addHost(k kind) *host {
	h := &host{kind: k, w: w, addr: addr(len(w.hosts)), secrets: map[string][]string{}, unknown: map[string]bool{},
		names: map[string]int{}, latest: map[string]*family{}, refresh: map[string]*token{}, access: map[string]*access{},
		codes: map[string]*code{}, nth: map[string]int{}}
	w.hosts[h.addr] = h
	return h
}

func (w *world) entries() (out []provider.Entry) {
	for _, h := range w.hosts {
		out = append(out, provider.Entry{Definition: h.definition(h.addr)})
	}
	return out
}

// us is the customer's backend.
func (c *client) us() lanyard.Principal {
	return lanyard.Principal{Project: c.row.Project, Name: "key:simulated", Scopes: lanyard.Scopes}
}

const returnURL = "https://customer.example/back"

// begin starts the first process.
func (w *world) begin() {
	w.t.Helper()
	p, err := w.start(w.newDir(), 0)
	w.must(err)
	w.setLive(p)
}

// play has a script say what happens to each call; nil: the weather does.
func (w *world) play(script func(h *host, sub string, n int) (act, bool)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.script = script
}

// newProject makes a project and a person of it; who is connected next is theirs.
func (w *world) newProject() {
	w.t.Helper()
	p, ctx := w.live(), context.Background()
	w.project = lanyard.NewID[lanyard.ProjectID]("prj_")
	ks, err := p.vault.NewKeyset(ctx, vault.ProjectKey(w.project))
	w.must(err)
	w.must(p.db.Bookkeep(ctx, func(tx *store.Tx) error {
		return tx.AddProject(lanyard.Project{ID: w.project, Name: "simulated", Settings: lanyard.ProjectSettings{ReturnURLs: []string{returnURL}}}, ks)
	}))
	w.person, err = p.conns.EnsurePerson(ctx, w.project, connection.EndUser{ID: "everybody"})
	w.must(err)
}

// addClient makes an app of the project at a provider.
func (w *world) addClient(h *host) *client {
	w.t.Helper()
	c := &client{host: h, id: fmt.Sprintf("client-%d", len(w.apps))}
	h.secrets[c.id] = []string{"first"}
	secret := lanyard.NewSecret("first")
	us := lanyard.Principal{Project: w.project, Name: "key:simulated", Scopes: lanyard.Scopes}
	a, err := w.live().apps.Create(context.Background(), us, app.Spec{Provider: h.id, ClientID: &c.id, Secret: &secret})
	w.must(err)
	c.row = a
	w.apps = append(w.apps, c)
	return c
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// populate connects n more accounts, by turns at each of the apps, without their
// journeys: those are for the people who come later.
func (w *world) populate(n int, used bool, clients ...*client) {
	w.t.Helper()
	p, ctx := w.live(), context.Background()
	for done := 0; done < n; {
		var add []func(tx *store.Tx) error
		for range min(200, n-done) {
			who := &person{client: clients[len(w.people)%len(clients)], i: len(w.people), sub: fmt.Sprintf("u%d", len(w.people)), used: used}
			w.people = append(w.people, who)
			add = append(add, w.connected(p, who))
			done++
		}
		w.must(p.db.Bookkeep(ctx, func(tx *store.Tx) error {
			for _, f := range add {
				if err := f(tx); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}

// connected prepares an account that has consented: its access token has some time to go.
func (w *world) connected(p *process, who *person) func(*store.Tx) error {
	ctx := context.Background()
	w.mu.Lock()
	now := time.Now()
	f := who.host.consent(who.sub, who.client.id, now)
	f.current.arrived = now
	text := f.grant(now)
	f.latest.until = now.Add(some(dice(w.seed, "age", who.sub), 5*time.Minute, who.life))
	t := lanyard.TokenSet{Access: lanyard.NewSecret(text), Refresh: lanyard.NewSecret(f.current.text), TokenType: "Bearer",
		ExpiresAt: f.latest.until, Scopes: []string{"read"}}
	w.mu.Unlock()
	consent, err := p.grants.Prepare(ctx, who.row, provider.Issued{Kind: "user", Tokens: t},
		provider.Identity{Issuer: "http://" + who.addr, Subject: who.sub, Active: true}, []string{"read"}, now)
	w.must(err)
	c := lanyard.Connection{ID: lanyard.NewID[lanyard.ConnectionID]("con_"), Project: who.row.Project, App: who.row.ID, Provider: who.host.id,
		Grant: consent.Grant.ID, Person: w.person.ID, Label: who.sub, State: lanyard.Live, Origin: "hosted", Needed: []string{"read"}}
	c.Account, err = p.conns.SealAccount(ctx, c, lanyard.AccountData{ID: who.sub})
	w.must(err)
	who.hold(c.ID)
	return func(tx *store.Tx) error {
		if ok, err := consent.Commit(tx, c.ID); err != nil || !ok {
			return fmt.Errorf("consent of %s: %v %w", who.sub, ok, err)
		}
		return tx.AddConnection(c)
	}
}

// take is for whoever wants to change the app and would not wait for another who does.
func (c *client) take() bool { return c.changing.TryLock() }

// held is its connection; "" while there is none.
func (who *person) held() lanyard.ConnectionID {
	id, _ := who.conn.Load().(lanyard.ConnectionID)
	return id
}

func (who *person) hold(id lanyard.ConnectionID) { who.conn.Store(id) }
