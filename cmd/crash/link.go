package main

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"
)

// How a link is.
const (
	open   = "open"   // everything passes
	closed = "closed" // connections are reset, new ones refused
	silent = "silent" // nothing passes, and nobody is told; it arrives late if the link opens in time
	mute   = "mute"   // what is asked passes, no answer comes back, ever
)

// link is a node's way to its database or to a provider, which can be cut.
type link struct {
	node            string
	class           string // of the provider it leads to; empty: a database
	network, target string
	follows         bool // says of each connection whether all that came back arrived
	listener        net.Listener
	all             sync.WaitGroup

	mu     sync.Mutex
	mode   string
	change chan struct{} // closed when the mode changes
	live   map[*passage]bool
	past   map[string][]*passage // by the address that the far end saw
}

// passage is one connection through a link.
type passage struct {
	near, far net.Conn
	accepted  time.Time // by us
	from      time.Time // with the far end

	mu    sync.Mutex
	asked []pass
	owed  int64 // bytes that came back from the far end and were not acknowledged by the near one
}

// pass is a piece of a question: when it was sent, and when it was passed on.
type pass struct{ sent, on time.Time }

// newLink listens; network and target are what net.Dial takes.
func newLink(ctx context.Context, node, network, target string, follows bool) (*link, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	k := &link{node: node, network: network, target: target, follows: follows, listener: l, mode: open, change: make(chan struct{}),
		live: map[*passage]bool{}, past: map[string][]*passage{}}
	k.all.Go(func() { k.accept(ctx) })
	return k, nil
}

func (k *link) address() string { return k.listener.Addr().String() }

func (k *link) accept(ctx context.Context) {
	for {
		near, err := k.listener.Accept()
		if err != nil {
			return // closed
		}
		k.all.Go(func() { k.carry(ctx, near) })
	}
}

// is returns the mode and what is closed when it changes.
func (k *link) is() (mode string, change <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.mode, k.change
}

// set changes the mode. Connections that have lost something are no longer any good.
func (k *link) set(mode string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	was := k.mode
	k.mode = mode
	close(k.change)
	k.change = make(chan struct{})
	if mode == closed || was == mute {
		for p := range k.live {
			p.reset()
		}
	}
}

// lead makes the link end elsewhere.
func (k *link) lead(network, target string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.network, k.target = network, target
}

func (p *passage) reset() {
	for _, c := range []net.Conn{p.near, p.far} {
		if t, ok := c.(*net.TCPConn); ok {
			_ = t.SetLinger(0) // a reset: what is under way is gone
		}
		_ = c.Close()
	}
}

func (k *link) carry(ctx context.Context, near net.Conn) {
	accepted := time.Now()
	mode, _ := k.is()
	if mode == closed {
		p := passage{near: near, far: near}
		p.reset()
		return
	}
	if mode == silent && !k.passes(ctx, near) {
		_ = near.Close()
		return
	}
	k.mu.Lock()
	network, target := k.network, k.target
	k.mu.Unlock()
	far, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, target)
	if err != nil {
		p := passage{near: near, far: near}
		p.reset()
		return
	}
	p := &passage{near: near, far: far, accepted: accepted, from: time.Now()}
	k.mu.Lock()
	k.live[p] = true
	if k.follows {
		seen := far.LocalAddr().String()
		k.past[seen] = append(k.past[seen], p)
	}
	k.mu.Unlock()
	defer func() {
		k.mu.Lock()
		delete(k.live, p)
		k.mu.Unlock()
		_, _ = near.Close(), far.Close()
	}()
	var both sync.WaitGroup
	both.Go(func() { k.pump(ctx, p, far, near, false) })
	both.Go(func() { k.pump(ctx, p, near, far, true) })
	both.Wait()
}

// passes waits until the link lets something through, and says whether it ever does:
// not if near closes first, as one does who has waited long enough.
func (k *link) passes(ctx context.Context, near net.Conn) bool {
	for {
		mode, change := k.is()
		switch mode {
		case open, mute:
			return true
		case closed:
			return false
		}
		select {
		case <-change:
		case <-ctx.Done():
			return false
		case <-time.After(30 * time.Second): // nobody waits for us any longer
			return false
		}
	}
}

// pump carries what from says to to; back: it is an answer.
func (k *link) pump(ctx context.Context, p *passage, to, from net.Conn, back bool) {
	buffer := make([]byte, 64<<10)
	for first := true; ; first = false {
		n, err := from.Read(buffer)
		if n > 0 {
			sent := time.Now()
			if first { // it may have waited for us to connect
				sent = p.accepted
			}
			if back && k.follows {
				p.owe(int64(n))
			}
			if !k.passes(ctx, to) {
				break
			}
			if mode, _ := k.is(); mode == mute && back {
				continue // swallowed
			}
			if k.follows && !back { // before it is there: an answer may be faster than we are
				p.ask(pass{sent, time.Now()})
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				break
			}
			if back && k.follows && acknowledged(to) {
				p.owe(-int64(n))
			}
		}
		if err != nil {
			break
		}
	}
	for mode, change := k.is(); back && mode == mute; mode, change = k.is() { // nor does anybody hear the end
		select {
		case <-change:
		case <-ctx.Done():
			return
		case <-time.After(30 * time.Second):
			return
		}
	}
	if t, ok := to.(interface{ CloseWrite() error }); ok {
		_ = t.CloseWrite() // the end, passed on
	}
}

func (p *passage) owe(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.owed += n
}

// acknowledged waits until all that was written has been acknowledged.
func acknowledged(c net.Conn) bool {
	for wait := 50 * time.Microsecond; wait < time.Second; wait *= 2 {
		left, err := unacknowledged(c)
		if err != nil {
			return false
		}
		if left == 0 {
			return true
		}
		time.Sleep(wait)
	}
	return false
}

func (p *passage) ask(one pass) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, one)
}

// at is the connection that the far end saw as peer at a moment; nil: there was none.
func (k *link) at(peer string, moment time.Time) *passage {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range slices.Backward(k.past[peer]) {
		if p.from.Before(moment) {
			return p
		}
	}
	return nil
}

// lost says whether something that came back did not arrive.
func (p *passage) lost() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.owed > 0
}

// sent is when the question was sent that the far end had at a moment.
func (p *passage) sent(moment time.Time) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range slices.Backward(p.asked) {
		if !one.on.After(moment) {
			return one.sent
		}
	}
	return moment
}

func (k *link) close() error {
	k.set(closed)
	err := k.listener.Close()
	k.all.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
