package main

import (
	"io"
	"net"
	"testing"
	"time"
)

// echo answers each line with "got it" and the end, as an HTTP/1.0 server does.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				b := make([]byte, 16)
				if n, err := c.Read(b); err == nil && n > 0 {
					_, _ = c.Write([]byte("got it"))
				}
				_ = c.Close()
			}()
		}
	}()
	return l.Addr().String()
}

// through asks through a link and returns what comes back within a second.
func through(t *testing.T, k *link) (string, error) {
	t.Helper()
	c, err := net.Dial("tcp", k.address())
	if err != nil {
		return "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	if _, err := c.Write([]byte("question")); err != nil {
		return "", err
	}
	b, err := io.ReadAll(c)
	return string(b), err
}

func TestALinkIsCutAsNetworksAre(t *testing.T) {
	for mode, want := range map[string]struct {
		answer string
		fails  bool
		lost   bool // it is known that an answer came back and did not arrive
	}{
		open:   {"got it", false, false},
		closed: {"", true, false},
		silent: {"", true, false},
		mute:   {"", true, true},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			k, err := newLink(t.Context(), "n1", "tcp", echo(t), true)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = k.close() }()
			k.set(mode)
			got, err := through(t, k)
			if got != want.answer || (err != nil) != want.fails {
				t.Errorf("got %q, %v, want %q, an error: %t", got, err, want.answer, want.fails)
			}
			lost := false
			k.mu.Lock()
			for _, list := range k.past {
				for _, p := range list {
					lost = lost || p.lost()
				}
			}
			k.mu.Unlock()
			if lost != want.lost {
				t.Errorf("an answer is lost: got %t, want %t", lost, want.lost)
			}
			k.set(open)
			if got, err := through(t, k); got != "got it" {
				t.Errorf("open again: got %q, %v", got, err)
			}
		})
	}
}

func TestWhatIsSilentArrivesLate(t *testing.T) {
	k, err := newLink(t.Context(), "n1", "tcp", echo(t), true)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = k.close() }()
	k.set(silent)
	time.AfterFunc(200*time.Millisecond, func() { k.set(open) })
	asked := time.Now()
	if got, err := through(t, k); got != "got it" {
		t.Errorf("got %q, %v, want the answer, late", got, err)
	}
	for peer := range k.past {
		if sent := k.at(peer, time.Now()).sent(time.Now()); sent.Sub(asked) > 150*time.Millisecond {
			t.Errorf("the question is said to have been sent %s after it was, when it arrived", sent.Sub(asked))
		}
	}
}
