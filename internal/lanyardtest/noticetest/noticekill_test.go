package noticetest_test

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
)

// process is the real program on a world's data, instead of the world's own server.
type process struct {
	t       *testing.T
	w       *lanyardtest.World
	program string
	cmd     *exec.Cmd
	words   bytes.Buffer
}

func (p *process) start() {
	p.t.Helper()
	p.words.Reset()
	p.cmd = exec.CommandContext(p.t.Context(), p.program, "serve")
	p.cmd.Env = append(os.Environ(), "LANYARD_PUBLIC_URL="+p.w.URL, "LANYARD_LISTEN="+p.w.Settings.Listen, "LANYARD_DATA_DIR="+p.w.DataDir,
		"LANYARD_KEK="+p.w.Settings.KEK, "LANYARD_ALLOW_LOOPBACK=true", "LANYARD_LIMIT_OPENS_PER_MINUTE=0", "LANYARD_LIMIT_KEY_PER_SECOND=0")
	p.cmd.Stdout, p.cmd.Stderr = &p.words, &p.words
	lanyardtest.Must(p.t)(nil, p.cmd.Start())
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		resp, err := http.Get(p.w.URL + "/readyz")
		if err != nil {
			continue
		}
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return
		}
	}
	p.kill()
	p.t.Fatalf("the program is not ready: %.1000s", p.words.String())
}

// kill is kill -9.
func (p *process) kill() {
	p.t.Helper()
	lanyardtest.Must(p.t)(nil, p.cmd.Process.Kill())
	_ = p.cmd.Wait() // it was killed
}

// The program is killed at any moment between the answer to a notice and its effect,
// in, and after it: the next one acts on what was taken, once. In every other round the
// database is locked until the process is dead, so that nothing can have been done.
func TestKilledBetweenTheAnswerAndTheEffect(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	app, client := hooked(w)
	w.Stop()
	p := &process{t: t, w: w, program: filepath.Join(t.TempDir(), "lanyard")}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", p.program, "lanyard/cmd/lanyard")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	p.start()
	dice := rand.New(rand.NewPCG(4, 10))
	const rounds = 20
	undone := 0
	for round := range rounds {
		c := w.Connect(app, "u", "ana")
		release := func() {}
		if round%2 == 0 {
			release = locked(t, w)
		}
		body := deauthorization(client, c, time.Now())
		if status, out := post(t, w.URL+"/hooks/zoom/"+app, hookSecret, body, time.Now()); status != http.StatusNoContent {
			t.Fatalf("got %d %s, want 204", status, out)
		}
		if round%2 == 1 {
			time.Sleep(time.Duration(dice.IntN(20_000)) * time.Microsecond)
		}
		p.kill()
		if files, err := filepath.Glob(w.DataDir + "/notices/*.notice"); err == nil && len(files) > 0 {
			undone++
		}
		release()
		p.start()
		lanyardtest.Eventually(t, func() bool { return revoked(w, c) }, "the next process acts on it")
		if n := len(events(w, "connection.revoked")); n != round+1 {
			t.Fatalf("round %d: got %d events, want %d", round, n, round+1)
		}
	}
	settled(t, w)
	if n := len(w.OK("GET", "/v1/audit/entries?what=notice.received&limit=100", nil).List("data")); n != rounds {
		t.Errorf("got %d entries, want %d", n, rounds)
	}
	if undone < rounds/2 {
		t.Errorf("got %d processes killed with a notice on disk, want half of them at least", undone)
	}
	p.kill()
	if strings.Contains(p.words.String(), hookSecret) {
		t.Error("the secret is in the log")
	}
	t.Logf("%d of %d were killed with the notice still on disk", undone, rounds)
}
