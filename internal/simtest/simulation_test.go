package simtest

import (
	"container/heap"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"lanyard"
	"lanyard/internal/app"
)

var (
	seedFlag   = flag.Uint64("sim.seed", 0, "seed of the simulation; 0: those that CI runs, and one of today")
	daysFlag   = flag.Float64("sim.days", usual(0.5, 0.1), "days that go wrong")
	grantsFlag = flag.Int("sim.grants", usual(200, 32), "accounts that are connected at the beginning")
	runsFlag   = flag.Int("sim.runs", 1, "runs, with one seed after the other")
	roughFlag  = flag.Float64("sim.rough", 0.15, "part of the calls that something happens to")
	verbose    = flag.Bool("sim.v", false, "print what the server logs")
)

// usual is what a run does that is not told; the race detector makes SQLite twenty times
// as slow.
func usual[T any](without, with T) T {
	if race {
		return with
	}
	return without
}

// Days in which everything goes wrong that can; then all is repaired, and the ledgers
// of the providers say whether anything was lost that need not have been.
func TestSimulation(t *testing.T) {
	seeds := []uint64{1, 2, 3, uint64(time.Now().Unix() / 86400)}
	if race {
		seeds = seeds[2:]
	}
	if *seedFlag != 0 {
		seeds = nil
		for i := range *runsFlag {
			seeds = append(seeds, *seedFlag+uint64(i))
		}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			cryptotest.SetGlobalRandom(t, seed)
			began := time.Now()
			synctest.Test(t, func(t *testing.T) { simulate(t, seed) })
			t.Logf("that took %s", time.Since(began).Round(10*time.Millisecond))
			if t.Failed() {
				t.Logf("again:\n\tgo test ./internal/simtest -run 'TestSimulation$' -sim.seed=%d -sim.days=%v -sim.grants=%d -sim.rough=%v", seed, *daysFlag, *grantsFlag, *roughFlag)
			}
		})
	}
}

func simulate(t *testing.T, seed uint64) {
	w := newWorld(t, seed)
	w.rough, w.slower = *roughFlag, 4
	for _, k := range kinds {
		w.addHost(k)
	}
	w.begin()
	w.newProject()
	for i := range kinds {
		w.addClient(w.hosts[addr(i)])
	}
	w.populateAll(*grantsFlag)
	d := &driver{world: w, end: time.Now().Add(time.Duration(*daysFlag * 24 * float64(time.Hour)))}
	d.plan()
	d.run()
	d.repair()
	time.Sleep(28 * time.Hour) // the next planned renewal of everybody
	synctest.Wait()
	p := w.live()
	out := w.judge(p)
	w.attempts(p)
	w.shut()
	w.report(out)
}

// populateAll connects n accounts: most are idle, and have been for more than a day.
func (w *world) populateAll(n int) {
	w.restart(w.live(), -25*time.Hour)
	w.populate(n-n/8, false, w.apps...)
	w.restart(w.live(), 0)
	w.populate(n/8, true, w.apps...)
}

// restart is a planned stop and a start with another error of the clock.
func (w *world) restart(p *process, offset time.Duration) {
	w.setLive(nil)
	if err := p.drain(); err != nil {
		w.t.Errorf("drain: %v", err)
	}
	if err := p.close(); err != nil {
		w.t.Errorf("close: %v", err)
	}
	next, err := w.start(p.dir, offset)
	w.must(err)
	w.setLive(next)
}

// shut ends everything: nothing of ours is left running.
func (w *world) shut() {
	p := w.live()
	w.setLive(nil)
	w.acts.Wait()
	w.must(p.drain())
	w.must(p.close())
	p.line.cut()
	w.zombies.Wait()
	w.wires.Wait()
}

func (w *world) report(out tally) {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %s; %d alive, %d dead (%v), excused %d, lost inexcusably %d\n\tcalled dead: %v\n\ttold: %v\n", w.seed,
		time.Since(w.began).Round(time.Hour), out.alive, out.dead, out.lost, out.excused, out.wrong, w.lost, w.told)
	for _, k := range slices.Sorted(maps.Keys(w.counts)) {
		fmt.Fprintf(&b, "\t%s: %d", k, w.counts[k])
	}
	w.t.Log(b.String())
	for i, p := range w.problems {
		if i == 20 {
			w.t.Errorf("and %d more", len(w.problems)-i)
			break
		}
		w.t.Error(p)
	}
	for i, sub := range slices.Sorted(maps.Keys(w.guilty)) {
		if i == 3 {
			break
		}
		w.t.Logf("the story of %s:\n%s", sub, w.story(sub))
	}
}

// driver does what is planned, when its time has come.
type driver struct {
	*world
	end   time.Time
	queue plan
	n     int
}

type deed struct {
	at time.Time
	n  int // those of one moment in their order
	do func()
}

type plan []deed

func (p plan) Len() int { return len(p) }
func (p plan) Less(i, j int) bool {
	return p[i].at.Before(p[j].at) || p[i].at.Equal(p[j].at) && p[i].n < p[j].n
}
func (p plan) Swap(i, j int) { p[i], p[j] = p[j], p[i] }
func (p *plan) Push(x any)   { *p = append(*p, x.(deed)) }
func (p *plan) Pop() any     { old := *p; x := old[len(old)-1]; *p = old[:len(old)-1]; return x }

func (d *driver) add(at time.Time, do func()) {
	if at.Before(d.end) {
		d.n++
		heap.Push(&d.queue, deed{at, d.n, do})
	}
}

// each does something again and again, at random times that are so far apart on average.
func (d *driver) each(what string, every time.Duration, do func(n int)) {
	r := dice(d.seed, "each", what)
	at := time.Now()
	for n := 0; ; n++ {
		if at = at.Add(time.Duration(r.ExpFloat64() * float64(every))); at.After(d.end) {
			return
		}
		d.add(at, func() { do(n) })
	}
}

// aside does something on a goroutine of its own.
func (d *driver) aside(do func()) { d.acts.Go(do) }

func (d *driver) run() {
	for d.queue.Len() > 0 {
		next := heap.Pop(&d.queue).(deed)
		time.Sleep(time.Until(next.at))
		next.do()
	}
	time.Sleep(time.Until(d.end))
}

// anybody draws a person, who is free and satisfies fits.
func (d *driver) anybody(what string, n int, fits func(*person) bool) *person {
	r := dice(d.seed, what, n)
	for range 20 {
		who := d.people[r.IntN(len(d.people))]
		if !who.gone && !who.busy.Load() && who.held() != "" && (fits == nil || fits(who)) {
			return who
		}
	}
	return nil
}

// plan draws everything that will happen, calls apart.
func (d *driver) plan() {
	const hour = time.Hour
	for _, who := range d.people {
		if who.used {
			d.each("read "+who.sub, 40*time.Minute, func(int) { d.aside(func() { _, _ = d.read(who) }) })
		}
	}
	d.each("look", 5*time.Minute, func(int) {
		if p := d.live(); p != nil {
			d.verdicts(p)
		}
	})
	d.each("crash", 4*hour, d.crash)
	d.each("stop", 12*hour, func(n int) { d.restart(d.live(), d.clockError(n)) })
	d.each("stall", 4*hour, func(n int) { d.live().stall.set(some(dice(d.seed, "stall", n), time.Second, 3*time.Minute)) })
	for _, h := range d.hosts {
		d.each("weather "+h.id, 8*hour, func(n int) {
			r := dice(d.seed, "window", h.id, n)
			what := []string{"refused", "blackhole", "503", "throttle", "slow", "hang"}[r.IntN(6)]
			d.mu.Lock()
			defer d.mu.Unlock()
			h.windows = append(h.windows, window{time.Now(), time.Now().Add(some(r, time.Minute, hour)), what})
		})
	}
	for _, c := range d.apps {
		d.each("secret "+c.id, 48*hour, func(n int) { d.aside(func() { d.wrongSecret(c, n) }) })
		d.each("rotation "+c.id, 48*hour, func(n int) { d.aside(func() { d.rotateSecret(c, n) }) })
		d.each("unknown "+c.id, 96*hour, func(n int) { d.aside(func() { d.unknownClient(c, n) }) })
	}
	people := float64(len(d.people))
	often := func(part float64) time.Duration { return time.Duration(24 * float64(hour) / (part * people)) } // that part of the people in a day
	d.each("withdraw", often(0.03), func(n int) {
		if who := d.anybody("withdraw", n, nil); who != nil {
			d.withdraw(who)
		}
	})
	d.each("leave", often(0.02), func(n int) {
		if who := d.anybody("leave", n, nil); who != nil {
			who.gone = true
			who.busy.Store(true)
			d.aside(func() { d.leave(who) })
		}
	})
	d.each("reconnect", often(0.05), func(n int) { d.again(d.anybody("reconnect", n, nil)) })
	d.each("connect", often(0.03), func(n int) {
		who := &person{client: d.apps[n%len(d.apps)], i: len(d.people), sub: fmt.Sprintf("u%d", len(d.people))}
		who.busy.Store(true)
		d.people = append(d.people, who)
		d.aside(func() {
			if err := d.connect(who); err != nil {
				d.note("connect: " + string(lanyard.CodeOf(err)))
			}
			who.busy.Store(false)
		})
	})
	d.each("mend", 2*hour, func(n int) { // those who are told that they have to act do it
		d.again(d.anybody("mend", n, func(who *person) bool { return d.deadNow[who.held()] }))
	})
}

func (d *driver) note(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counts[what]++
}

func (d *driver) again(who *person) {
	if who == nil {
		return
	}
	who.busy.Store(true)
	d.aside(func() {
		if err := d.reconnect(who); err != nil {
			d.note("reconnect: " + string(lanyard.CodeOf(err)))
		}
		who.busy.Store(false)
	})
}

// clockError is what a process's clock is wrong by: it is right, or wrong in the one way
// in which it may be wrong in this world, by ten minutes at most.
func (d *driver) clockError(n int) time.Duration {
	way := time.Duration(1 - 2*int(d.seed%2))
	return way * []time.Duration{0, 0, 0, 10 * time.Minute, 10 * time.Minute, 3 * time.Minute}[dice(d.seed, "clock", n).IntN(6)]
}

// crash ends the process, sometimes while its disk hangs, and begins another.
func (d *driver) crash(n int) {
	r := dice(d.seed, "crash", n)
	p := d.live()
	if r.IntN(2) == 0 {
		p.stall.set(time.Minute)
		time.Sleep(some(r, time.Millisecond, 30*time.Second))
	}
	d.setLive(nil)
	dir := p.crash()
	d.mu.Lock()
	d.crashes = append(d.crashes, time.Now())
	d.mu.Unlock()
	time.Sleep(some(r, 100*time.Millisecond, time.Minute))
	next, err := d.start(dir, d.clockError(1000+n))
	d.must(err)
	d.setLive(next)
}

// wrongSecret is a secret that somebody has changed at the provider, until the app is told.
func (d *driver) wrongSecret(c *client, n int) {
	if !c.take() {
		return
	}
	defer c.changing.Unlock()
	secret := fmt.Sprintf("changed-%d", n)
	d.mu.Lock()
	c.secrets[c.id] = []string{secret}
	d.mu.Unlock()
	time.Sleep(min(some(dice(d.seed, "wrong", c.id, n), time.Minute, 3*time.Hour), time.Until(d.end)))
	d.setSecret(c, secret)
}

func (d *driver) setSecret(c *client, secret string) {
	s := lanyard.NewSecret(secret)
	if err := d.edit(c, app.Spec{Secret: &s, NextSecret: &lanyard.Secret{}}); err != nil {
		d.t.Error(err)
	}
}

// rotateSecret goes from one secret to the next without a gap.
func (d *driver) rotateSecret(c *client, n int) {
	if !c.take() {
		return
	}
	defer c.changing.Unlock()
	r := dice(d.seed, "rotate", c.id, n)
	secret := fmt.Sprintf("next-%d", n)
	next := lanyard.NewSecret(secret)
	if err := d.edit(c, app.Spec{NextSecret: &next}); err != nil {
		d.t.Error(err)
		return
	}
	time.Sleep(min(some(r, time.Minute, time.Hour), time.Until(d.end)))
	d.mu.Lock()
	c.secrets[c.id] = append(c.secrets[c.id], secret)
	d.mu.Unlock()
	time.Sleep(min(some(r, time.Minute, time.Hour), time.Until(d.end)))
	d.mu.Lock()
	c.secrets[c.id] = []string{secret}
	d.mu.Unlock()
	time.Sleep(min(some(r, time.Minute, time.Hour), time.Until(d.end)))
	d.setSecret(c, secret)
}

// unknownClient is a provider that does not know the client any more, and says of
// everybody's token that it is not valid.
func (d *driver) unknownClient(c *client, n int) {
	d.mu.Lock()
	c.unknown[c.id] = true
	d.mu.Unlock()
	time.Sleep(min(some(dice(d.seed, "unknown", c.id, n), time.Minute, 2*time.Hour), time.Until(d.end)))
	d.mu.Lock()
	c.unknown[c.id] = false
	d.mu.Unlock()
}

// repair ends everything that is wrong.
func (d *driver) repair() {
	d.mu.Lock()
	d.fair = true
	d.mu.Unlock()
	d.acts.Wait()
	d.restart(d.live(), 0)
	time.Sleep(15 * time.Minute)
	d.every, d.slower = time.Minute, 12 // nothing is in a hurry any more
	d.restart(d.live(), 0)
}
