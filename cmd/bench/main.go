// Command bench measures what reading and renewing tokens costs, beside plain
// programs that do only the unavoidable part of it. See docs/bench.md.
//
//	reads      product: the whole server in a child process, as "lanyard serve" runs it;
//	           ceiling: a child with the same skeleton (net/http settings, front, driver)
//	           that does a SELECT, AES-256-GCM and JSON: no key, no limits, no write
//	renewals   product: the same server, with very much that is due; ceiling: a loop of
//	           the HTTP call and the durable writes around it (renewceiling.go)
//	million    a database of a million grants, beside an empty one
//	proxy      calls through the proxy; beside them, the same call made directly, and one
//	           durable append to a database of its own
//	rounds     both sides in turn, medians of the rounds
//
// It exits with 1 where a bar is missed.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"lanyard/internal/store/pgtemp"
)

// options is what the command was asked for.
type options struct {
	seconds     float64
	rounds      int
	clients     []int
	databases   []string
	connections int
	client      string // how tokens are read
	what        []string
	grants      int                   // that are renewed
	many        int                   // grants of a large database
	flights     map[time.Duration]int // time that the provider takes → renewals at once
	bare        bool                  // the ceiling without the product's front
	dir         string                // where databases are put
	profile     string                // directory for profiles of the product
	lanyard     string                // the program whose start is measured
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == childFlag {
		exit(child(os.Stdin, os.Stdout))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func exit(err error) {
	switch {
	case err == nil:
		os.Exit(0)
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	}
	fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}

func run(ctx context.Context, args []string, out, progress io.Writer) error {
	var o options
	var clients, databases, what, flights string
	var asJSON bool
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&what, "what", "reads", "reads, renewals, million, proxy, or all")
	flags.IntVar(&o.grants, "grants", 40_000, "grants that are renewed")
	flags.IntVar(&o.many, "many", 1_000_000, "grants of the large database")
	flags.StringVar(&flights, "flights", "0ms:64,100ms:256", "time that the provider takes, and renewals at once")
	flags.Float64Var(&o.seconds, "seconds", 5, "length of one round")
	flags.IntVar(&o.rounds, "rounds", 3, "rounds of each side, in turn; the median counts")
	flags.StringVar(&clients, "clients", "1,32,256", "numbers of clients")
	flags.StringVar(&databases, "db", "sqlite,postgres", "databases")
	flags.IntVar(&o.connections, "connections", 2000, "connections that are read from")
	flags.StringVar(&o.client, "client", clientGo, "go: net/http's client; raw: one that costs the machine less")
	flags.BoolVar(&o.bare, "bare", false, "a ceiling without the product's front: no request id, caps, headers, log")
	flags.StringVar(&o.dir, "dir", "", "directory on the disk to measure; default: the system's for temporary files")
	flags.StringVar(&o.profile, "profile", "", "write CPU and allocation profiles of the product into this directory")
	flags.StringVar(&o.lanyard, "lanyard", "", "the lanyard program, for the time it takes to start; default: it is built")
	flags.BoolVar(&asJSON, "json", false, "print the figures as JSON")
	if err := flags.Parse(args); err != nil {
		return err
	}
	for text := range strings.SplitSeq(clients, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return fmt.Errorf("-clients: %q is not a number of clients", text)
		}
		o.clients = append(o.clients, n)
	}
	if o.client != clientGo && o.client != clientRaw {
		return errors.New("-client: there are go and raw")
	}
	o.databases = strings.Split(databases, ",")
	var err error
	if o.flights, err = flightsOf(flights); err != nil {
		return err
	}
	switch o.what = strings.Split(what, ","); what {
	case "reads", "renewals", "million", "proxy":
	case "all":
		o.what = []string{"reads", "renewals", "million", "proxy"}
	default:
		return errors.New("-what: there are reads, renewals, million, proxy and all")
	}
	if o.connections < 1 || o.grants < 1 || o.many < manyApps || o.rounds < 1 || o.seconds <= 0 {
		return errors.New("-connections, -grants, -rounds and -seconds must be positive, and -many at least 200")
	}
	report := report{Machine: machine(), Started: time.Now().UTC().Truncate(time.Second)}
	for _, what := range o.what {
		for _, name := range o.databases {
			err := o.on(name, func(w *world, admin string) error {
				return o.measure(ctx, &report, what, w, admin, func(format string, a ...any) { fmt.Fprintf(progress, name+": "+format+"\n", a...) })
			})
			if errors.Is(err, pgtemp.ErrNoPrograms) {
				return fmt.Errorf("%w: %s\nor leave it out: -db sqlite", err, pgtemp.HowToGet)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	if asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		if err := e.Encode(report); err != nil {
			return err
		}
	} else {
		report.print(out)
	}
	if missed := report.missed(); len(missed) > 0 {
		return fmt.Errorf("missed: %s", strings.Join(missed, "; "))
	}
	return nil
}

// flightsOf reads "0ms:64,100ms:256".
func flightsOf(text string) (map[time.Duration]int, error) {
	out := map[time.Duration]int{}
	for part := range strings.SplitSeq(text, ",") {
		delay, flight, _ := strings.Cut(part, ":")
		d, err := time.ParseDuration(delay)
		n, err2 := strconv.Atoi(flight)
		if errors.Join(err, err2) != nil || d < 0 || n < 1 {
			return nil, fmt.Errorf("-flights: %q is not such as 100ms:256", part)
		}
		out[d] = n
	}
	return out, nil
}

// on calls fn with a database of its own; admin is where its server makes others.
func (o options) on(name string, fn func(w *world, admin string) error) (err error) {
	dir, err := os.MkdirTemp(o.dir, "lanyard-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	w := &world{dir: dir, options: o}
	switch name {
	case "sqlite":
		return fn(w, "")
	case "postgres":
		cluster, err := pgtemp.Start(pgtemp.Config{Dir: o.dir, Durable: true})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, cluster.Close()) }()
		w.databaseURL, w.twinURL = cluster.URL("postgres"), cluster.URL("ceiling")
		return fn(w, cluster.URL("template1"))
	}
	return errors.New("there are sqlite and postgres")
}

// beside is a world with an empty database of its own, on the same server.
func (w *world) beside(ctx context.Context, admin string) (*world, error) {
	other := &world{dir: filepath.Join(w.dir, "beside"), options: w.options}
	if err := os.Mkdir(other.dir, 0o700); err != nil {
		return nil, err
	}
	if w.databaseURL != "" {
		other.databaseURL = w.twinURL
		return other, makeDatabase(ctx, admin, "ceiling", "template0")
	}
	return other, nil
}

// measure adds one thing about one database to the report.
func (o options) measure(ctx context.Context, r *report, what string, w *world, admin string, say func(string, ...any)) error {
	switch what {
	case "renewals":
		out, err := w.renewals(ctx, admin, say)
		r.Renewals = append(r.Renewals, out)
		return err
	case "million":
		few, err := w.beside(ctx, admin)
		if err != nil {
			return err
		}
		out, err := w.million(ctx, few, say)
		r.Million = append(r.Million, out)
		return err
	}
	if what == "proxy" {
		out, err := w.proxied(ctx, admin, say)
		r.Proxy = append(r.Proxy, out)
		return err
	}
	d, err := w.reads(ctx, say)
	r.Databases = append(r.Databases, d)
	return err
}

// reads measures what reading tokens costs.
func (w *world) reads(ctx context.Context, say func(string, ...any)) (d database, err error) {
	d = database{Name: w.name()}
	say("one connection by the whole journey, and %d reads at once of its expired token", expiredReads)
	if d.Expired, err = w.prepare(ctx); err != nil {
		return d, err
	}
	say("%d copies of it", w.connections)
	if err := w.copies(ctx); err != nil {
		return d, fmt.Errorf("copy: %w", err)
	}
	say("starting %d times", starts)
	if d.Start, err = w.starts(ctx); err != nil {
		return d, fmt.Errorf("start: %w", err)
	}
	product, err := w.startProduct(ctx)
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, product.close()) }()
	ceiling, err := w.startCeiling(ctx)
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, ceiling.close()) }()
	for _, n := range w.options.clients {
		say("%d clients, %d rounds of %g s for each side", n, w.rounds, w.seconds)
		c, err := w.cell(ctx, n, product, ceiling)
		if err != nil {
			return d, fmt.Errorf("%d clients: %w", n, err)
		}
		d.Cells = append(d.Cells, c)
	}
	usage, err := product.usage()
	d.MemoryMB = float64(usage.Resident) / (1 << 20)
	return d, err
}
