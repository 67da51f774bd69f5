package examples_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
)

// build makes a program of one of the examples.
func build(t *testing.T, name string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), name)
	if out, err := exec.Command("go", "build", "-o", program, "./"+name).CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, out)
	}
	return program
}

// freeAddress finds a port that is free now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return "localhost:" + port
}

// run starts a program that listens there, and returns what it prints, line by line.
func run(t *testing.T, address string, env []string, program string, args ...string) <-chan string {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(append(os.Environ(), env...), "LISTEN="+address)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(); _ = cmd.Wait() })
	printed := make(chan string, 100)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			printed <- lines.Text()
		}
		close(printed)
	}()
	lanyardtest.Within(t, 20*time.Second, "the example listens", func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return printed
}

// A person connects through each callback; another browser cannot end the journey, and
// who denies is told so.
func TestCallbacks(t *testing.T) {
	for name, command := range map[string]func(t *testing.T) []string{
		"go": func(t *testing.T) []string { return []string{build(t, "callback")} },
		"node": func(t *testing.T) []string {
			node, err := exec.LookPath("node")
			if err != nil {
				t.Skip("there is no node here")
			}
			return []string{node, "callback-node/server.mjs"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := lanyardtest.New(t)
			address := freeAddress(t)
			own := "http://" + address + "/callback"
			app := w.Zoom(func(c *sandbox.Client) { c.RedirectURIs = append(c.RedirectURIs, own) })
			w.OK("PATCH", "/v1/apps/"+app, map[string]any{"redirect_uris": []string{own}})
			argv := command(t)
			run(t, address, []string{"LANYARD_URL=" + w.URL, "LANYARD_KEY=" + w.Key, "LANYARD_APP=" + app}, argv[0], argv[1:]...)

			begin := func(b *lanyardtest.Browser, says string) string {
				b.Go(http.MethodGet, "http://"+address+"/connect", nil)
				b.Go(http.MethodGet, b.Next()+"&sandbox_consent="+says+"&sandbox_person=ana", nil)
				return b.Follow(own)
			}
			ana := w.Browser()
			back := begin(ana, "allow")
			if mallory := w.Browser().Go(http.MethodGet, back, nil); mallory.Status != http.StatusBadRequest {
				t.Errorf("another browser: got %d %s, want 400", mallory.Status, mallory.Body)
			}
			if ana.Go(http.MethodGet, back, nil); ana.Status != http.StatusOK || !strings.HasPrefix(ana.Body, "connected zoom con_") {
				t.Fatalf("got %d %s, want a connection", ana.Status, ana.Body)
			}
			list := w.OK("GET", "/v1/connections?end_user_id=user-42", nil).List("data")
			if len(list) != 1 || list[0].Str("id") != strings.Fields(ana.Body)[2] || list[0].Str("status") != "active" {
				t.Errorf("got %v, want that connection of user-42, active", list)
			}
			if ana.Go(http.MethodGet, back, nil); ana.Status == http.StatusOK {
				t.Errorf("the same address again: got %d %s, want a refusal", ana.Status, ana.Body)
			}
			ben := w.Browser()
			if ben.Go(http.MethodGet, begin(ben, "deny"), nil); ben.Status != http.StatusForbidden {
				t.Errorf("denied: got %d %s, want 403", ben.Status, ben.Body)
			}
		})
	}
}

// The receiver hears what happens, once, and takes nothing that Lanyard has not signed.
func TestWebhookReceiver(t *testing.T) {
	w := lanyardtest.New(t, lanyardtest.Quick)
	address := freeAddress(t)
	made := w.OK("POST", "/v1/webhook-endpoints", map[string]any{"url": "http://" + address + "/lanyard", "types": []string{"connection.*"}})
	printed := run(t, address, []string{"WEBHOOK_SECRET=" + made.Str("secret")}, build(t, "webhook"))
	c := w.Connect(w.Zoom(), "user-42", "ana")
	select {
	case line := <-printed:
		if want := "connection.created " + c.Str("id") + " active"; line != want {
			t.Errorf("got %q, want %q", line, want)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the receiver has heard nothing")
	}
	for name, header := range map[string]http.Header{
		"unsigned":          {},
		"another's":         {"Webhook-Id": {"evt_x"}, "Webhook-Timestamp": {"1"}, "Webhook-Signature": {"v1,AAAA"}},
		"no number":         {"Webhook-Id": {"evt_x"}, "Webhook-Timestamp": {"now"}, "Webhook-Signature": {"v1,AAAA"}},
		"signed by nothing": {"Webhook-Id": {"evt_x"}, "Webhook-Timestamp": {time.Now().Format("5")}, "Webhook-Signature": {""}},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/lanyard", strings.NewReader(`{"type":"connection.revoked","data":{}}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = header
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: got %d, want 401", name, resp.StatusCode)
		}
	}
}

// An example is short enough to be read whole.
func TestExamplesAreShort(t *testing.T) {
	files, err := filepath.Glob("*/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("got %v, %v, want the examples", files, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(b), "\n"); n >= 100 {
			t.Errorf("%s has %d lines, want fewer than 100", name, n)
		}
	}
}
