package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"lanyard"
	"lanyard/client"
)

var errNotRunning = errors.New("the node does not run")

// life is one process of a node.
type life struct {
	from, ready, to time.Time
	how             string // it ended by: kill, term, itself; "" while it lives
}

// node is one Lanyard: a data directory, a port, and a process now and then.
type node struct {
	name    string // n1
	dir     string
	address string // host:port
	program string
	env     []string // what all its processes get
	log     string   // file

	mu    sync.Mutex
	cmd   *exec.Cmd // nil: none runs
	ended chan struct{}
	lives []life
	api   *client.Client
}

func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "localhost:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// start runs a process, with more in its environment, and waits until it is ready.
// A process that ends before is an error that says why.
func (n *node) start(ctx context.Context, more ...string) error {
	if err := n.launch(ctx, more...); err != nil {
		return err
	}
	return n.await(ctx, 60*time.Second)
}

func (n *node) launch(ctx context.Context, more ...string) error {
	log, err := os.OpenFile(n.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, n.program, "serve")
	cmd.Env = append(append(os.Environ(), n.env...), more...)
	cmd.Stdout, cmd.Stderr = log, log
	bound(cmd)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd != nil {
		return errors.New("the node runs already")
	}
	from := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	n.cmd, n.ended = cmd, make(chan struct{})
	n.lives = append(n.lives, life{from: from})
	go n.wait(cmd, n.ended)
	return nil
}

func (n *node) wait(cmd *exec.Cmd, ended chan struct{}) {
	_ = cmd.Wait() // how it ended is what this command is about
	n.mu.Lock()
	defer n.mu.Unlock()
	l := &n.lives[len(n.lives)-1]
	if l.to.IsZero() {
		l.to, l.how = time.Now(), "itself"
	}
	n.cmd = nil
	close(ended)
}

// await waits until the process answers that it can work.
func (n *node) await(ctx context.Context, most time.Duration) error {
	n.mu.Lock()
	ended := n.ended
	n.mu.Unlock()
	for end := time.Now().Add(most); time.Now().Before(end); {
		if n.answers(ctx) {
			n.mu.Lock()
			n.lives[len(n.lives)-1].ready = time.Now()
			n.mu.Unlock()
			return nil
		}
		select {
		case <-ended:
			return fmt.Errorf("%s ended before it was ready: %s", n.name, n.lastWords())
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s was not ready within %s: %s", n.name, most, n.lastWords())
}

func (n *node) answers(ctx context.Context) bool {
	ctx, stop := context.WithTimeout(ctx, 3*time.Second)
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.address+"/readyz", nil)
	if err != nil {
		return false
	}
	resp, err := plain.Do(r)
	return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
}

// plain asks without keeping connections, as the server may be another one next time.
var plain = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// end ends the process: how is "kill", "term" or what shall stand in the diary.
func (n *node) end(how string) error {
	n.mu.Lock()
	cmd, ended := n.cmd, n.ended
	if cmd == nil {
		n.mu.Unlock()
		return errNotRunning
	}
	l := &n.lives[len(n.lives)-1]
	var err error
	if how == "term" {
		err = cmd.Process.Signal(syscall.SIGTERM)
	} else {
		l.to, l.how = time.Now(), how
		err = cmd.Process.Kill()
	}
	n.mu.Unlock()
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-ended:
	case <-time.After(90 * time.Second):
		return fmt.Errorf("%s does not end", n.name)
	}
	if how == "term" {
		n.mu.Lock()
		n.lives[len(n.lives)-1].how = how
		n.mu.Unlock()
	}
	return nil
}

// askToEnd sends SIGTERM and does not wait.
func (n *node) askToEnd() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd == nil {
		return errNotRunning
	}
	return n.cmd.Process.Signal(syscall.SIGTERM)
}

func (n *node) running() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cmd != nil
}

func (n *node) allLives() []life {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.lives)
}

// lived returns the process that was there at a time, or had been just before: what
// it asked may be heard a little later.
func (n *node) lived(at time.Time) (life, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range slices.Backward(n.lives) {
		if !at.Before(l.from) {
			return l, true
		}
	}
	return life{}, false
}

// lastWords are the last lines of its log.
func (n *node) lastWords() string {
	b, err := os.ReadFile(n.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], "\n")
}

// ask returns a client of the node.
func (n *node) ask(key lanyard.Secret) (*client.Client, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.api != nil {
		return n.api, nil
	}
	var err error
	n.api, err = client.New(client.Config{Server: "http://" + n.address, Key: key})
	return n.api, err
}

// newNode makes a node's directory; settings is what all nodes have in common.
func newNode(ctx context.Context, dir, name, program string, settings map[string]string) (*node, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	n := &node{name: name, dir: filepath.Join(dir, name), address: "localhost:" + port, program: program, log: filepath.Join(dir, name+".log")}
	n.set(settings)
	n.set(map[string]string{"data_dir": n.dir, "listen": n.address})
	return n, nil
}

func (n *node) set(settings map[string]string) {
	for name, value := range settings {
		n.env = append(n.env, "LANYARD_"+strings.ToUpper(name)+"="+value)
	}
}
