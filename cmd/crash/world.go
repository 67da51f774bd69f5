package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2" //nolint:depguard // a run is repeated from its seed; nothing secret comes from it
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"lanyard"
	"lanyard/internal/sandbox"
	"lanyard/internal/store/pgtemp"
)

const (
	accessTTL = 120 // seconds, where the scenario does not say
	graceTime = 30  // seconds
	newcomers = 300 // people who come under load, at most
)

// class is one kind of provider.
type class struct {
	name  string
	kind  sandbox.Class
	grace int  // seconds
	kills bool // a renewal ends the access token before
}

var classes = []class{
	{name: "static", kind: sandbox.Static},
	{name: "overlap", kind: sandbox.Overlap},
	{name: "grace", kind: sandbox.Grace, grace: graceTime},
	{name: "strict", kind: sandbox.Strict, kills: true},
	{name: "reuse_kill", kind: sandbox.ReuseKill},
}

func classNamed(name string) class {
	return classes[slices.IndexFunc(classes, func(c class) bool { return c.name == name })]
}

// world is everything that takes part in one run.
type world struct {
	options
	scenario scenario
	database string
	dir      string
	began    time.Time
	say      func(format string, args ...any)

	book      *book
	providers []*issuer // one for each class
	cluster   *pgtemp.Cluster
	all       []*node
	key       lanyard.Secret
	inbox     *inbox            // nil: nobody is told
	apps      map[string]string // class → app

	pair      *pair
	undo      []func() error // in the end, after the nodes have ended
	unreached []string       // fault points that nothing led to

	mu      sync.Mutex
	holds   []*hold
	diary   []event
	spans   []*span
	struck  []strike
	links   []*link
	counted struct{ kills, struck int }
}

// issuer is a pretend provider of one class. Each is a server of its own, since
// two providers may not have one issuer.
type issuer struct {
	class class
	box   *sandbox.Sandbox
	url   string
	front *http.Server
}

// event is something that was done to somebody.
type event struct {
	at   time.Time
	node string // or a person
	what string
}

// note writes into the diary.
func (w *world) note(node, format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.diary = append(w.diary, event{time.Now(), node, fmt.Sprintf(format, args...)})
}

// dice are random numbers that the seed determines, others for each use.
func (w *world) dice(use uint64) *rand.Rand {
	return rand.New(rand.NewPCG(w.seed, use)) //nolint:gosec // see above
}

// between is a random time.
func between(r *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(r.Int64N(int64(high-low)+1))
}

func newWorld(ctx context.Context, o options, dir string, s scenario, db string, progress io.Writer) (_ *world, err error) {
	w := &world{options: o, scenario: s, database: db, dir: filepath.Join(dir, s.name+"-"+db), book: newBook(),
		apps: map[string]string{}, began: time.Now()}
	w.say = func(format string, args ...any) {
		fmt.Fprintf(progress, "%s %s %5.1fs: %s\n", s.name, db, time.Since(w.began).Seconds(), fmt.Sprintf(format, args...))
	}
	if err := os.Mkdir(w.dir, 0o700); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	if err := w.startProviders(ctx); err != nil {
		return nil, err
	}
	url := ""
	if db == "postgres" {
		if w.cluster, err = pgtemp.Start(pgtemp.Config{Dir: o.dir, Durable: true}); err != nil {
			return nil, err
		}
		if s.pair {
			if w.pair, err = w.newPair(ctx, w.cluster); err != nil {
				return nil, err
			}
		}
		url = w.databaseURL()
	}
	return w, w.startNodes(ctx, url)
}

// databaseURL is where the nodes find their database.
func (w *world) databaseURL() string {
	if w.pair != nil {
		return w.pair.url()
	}
	return w.cluster.URL("postgres")
}

// ttl is how long access tokens live, in seconds. What is asked for is one second
// less, so that each read may renew.
func (w *world) ttl() int {
	if w.scenario.access > 0 {
		return w.scenario.access
	}
	return accessTTL
}

func (w *world) startProviders(ctx context.Context) error {
	for _, c := range classes {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		p := &issuer{class: c, url: "http://" + l.Addr().String()}
		// The ledger is kept by the book: the sandbox need not keep it as well.
		p.box, err = sandbox.New(sandbox.Config{BaseURL: p.url, Crowd: len(classes)*w.grants + newcomers, LedgerLimit: 1000,
			OnEntry: func(e sandbox.Entry) { w.book.take(c.name, e) }})
		if err != nil {
			return errors.Join(err, l.Close())
		}
		p.front = &http.Server{Handler: p.box.Handler(), ReadHeaderTimeout: 10 * time.Second, ConnContext: p.box.ConnContext}
		go func() { _ = p.front.Serve(l) }() // ends by Close
		w.providers = append(w.providers, p)
	}
	return nil
}

// startNodes starts the nodes on an empty database.
func (w *world) startNodes(ctx context.Context, databaseURL string) error {
	program := w.program
	if w.scenario.faults {
		program = w.faulty
	}
	n := w.scenario.nodes
	if w.options.nodes > 0 && w.database != "sqlite" {
		n = w.options.nodes
	}
	settings := map[string]string{
		"kek": "file:" + filepath.Join(w.dir, "kek"), "allow_loopback": "true", "log_level": w.logLevel,
		"limit_key_per_second": "0", "limit_opens_per_minute": "0", "limit_failed_per_minute": "0",
		"time_scale": fmt.Sprint(w.scale), "first_key_file": filepath.Join(w.dir, "first-key"),
	}
	for i := range n {
		one, err := newNode(ctx, w.dir, fmt.Sprintf("n%d", i+1), program, settings)
		if err != nil {
			return err
		}
		w.all = append(w.all, one)
		if err := w.equip(ctx, one, databaseURL); err != nil {
			return err
		}
		if err := one.start(ctx); err != nil {
			return err
		}
	}
	key, err := os.ReadFile(filepath.Join(w.dir, "first-key"))
	w.key = lanyard.NewSecret(strings.TrimSpace(string(key)))
	return err
}

// equip gives a node its own way to database and providers, and its own disk.
func (w *world) equip(ctx context.Context, n *node, databaseURL string) error {
	way := map[string]string{} // class → URL
	for _, p := range w.providers {
		way[p.class.name] = p.url
		if w.scenario.links {
			k, err := newLink(ctx, n.name, "tcp", strings.TrimPrefix(p.url, "http://"), true)
			if err != nil {
				return err
			}
			k.class = p.class.name
			w.links, way[p.class.name] = append(w.links, k), "http://"+k.address()
		}
	}
	if databaseURL != "" && w.scenario.links {
		k, err := newLink(ctx, n.name, "unix", w.cluster.Socket(), false)
		if err != nil {
			return err
		}
		w.links = append(w.links, k)
		databaseURL = "postgres://lanyard@" + k.address() + "/postgres?sslmode=disable"
	}
	catalogue, err := w.catalogue(n.name, way)
	if err != nil {
		return err
	}
	n.set(map[string]string{"providers_dir": catalogue, "public_url": "http://" + w.all[0].address})
	if databaseURL != "" {
		n.set(map[string]string{"database_url": databaseURL})
	}
	if w.scenario.disk != nil {
		return w.scenario.disk(w, n)
	}
	return nil
}

// catalogue writes the catalogue of one node, whose way to a provider may be one of
// its own.
func (w *world) catalogue(node string, way map[string]string) (dir string, err error) {
	dir = filepath.Join(w.dir, node+"-providers")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	for _, p := range w.providers {
		c, near := p.class, way[p.class.name]
		text := fmt.Sprintf(`id: crash-%s
name: Crash %s
endpoints:
  authorize: %s/oidc/authorize
  issuer: %s/oidc
  token: %s/oidc/token
  identity: %s/oidc/userinfo
  revoke: %s/oidc/revoke
client_auth: basic
class: %s
authorize:
  pkce: required
  issuer_returned: true
  scopes_always: [openid, offline_access, email, profile]
times: {code: 60, grace: %d}
rules: {rotation_kills_access: %t}
identity: {subject: sub, email: email, name: name}
scopes: [{s: calls.read, say: See your calls}]
default_scopes: [calls.read]
probe: bogus_refresh
`, strings.ReplaceAll(c.name, "_", "-"), c.name, p.url, p.url, near, near, near, c.kind, c.grace, c.kills)
		if err := os.WriteFile(filepath.Join(dir, c.name+".yaml"), []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// haltNodes ends all nodes that run.
func (w *world) haltNodes(context.Context) (err error) {
	for _, n := range w.all {
		if n.running() {
			err = errors.Join(err, n.end("term"))
		}
	}
	return err
}

func (w *world) close() (err error) {
	for _, n := range w.all {
		if n.running() {
			err = errors.Join(err, n.end("end"))
		}
	}
	for _, p := range w.providers {
		err = errors.Join(err, p.front.Close())
		p.box.Close()
	}
	for _, k := range w.links {
		err = errors.Join(err, k.close())
	}
	if w.pair != nil {
		err = errors.Join(err, w.pair.follow.close())
		if w.pair.standby != nil && w.pair.standby != w.cluster {
			err = errors.Join(err, w.pair.standby.Close())
		}
	}
	if w.cluster != nil {
		err = errors.Join(err, w.cluster.Close())
	}
	for _, undo := range w.undo {
		err = errors.Join(err, undo())
	}
	return err
}
