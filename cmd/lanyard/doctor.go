package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lanyard"
	"lanyard/client"
	"lanyard/wire"
)

// finding is a line of doctor: proved (how), refused (by whom, what to do), or
// what cannot be known from here.
type finding struct {
	What    string `json:"what"`
	Verdict string `json:"verdict"`
	How     string `json:"how"`
	Next    string `json:"next,omitempty"`
}

const (
	proved  = "proved"
	refused = "refused"
	unknown = "cannot be known from here"
)

func (c *cli) doctorCommand() *cobra.Command {
	var ahead preflightFlags
	cmd := &cobra.Command{
		Use: "doctor", Short: "Look whether everything is as it should be; with --meeting, whether a bot can join one",
		Long: `Look whether everything is as it should be. Each line is proved (how), refused (by
whom, and what to do), or cannot be known from here. Exit code 1 if one is refused.

With --meeting, say instead whether a bot can join that meeting, on behalf of whom, now or
at its hour, and if not, who has to do what. Exit code 1 if it cannot.`,
		Args: cobra.NoArgs,
	}
	ahead.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if ahead.meeting != "" {
			return c.doctorMeeting(cmd.Context(), &ahead)
		}
		for _, name := range []string{"connection", "end-user", "at", "type", "no-trial"} {
			if cmd.Flags().Changed(name) {
				return usage(fmt.Errorf("--%s goes with --meeting", name))
			}
		}
		return c.doctor(cmd.Context())
	}
	return cmd
}

func (c *cli) doctor(ctx context.Context) error {
	loaded, err := c.load()
	if err != nil {
		return err
	}
	var all []finding
	if err := loaded.Check(); err != nil {
		for line := range strings.Lines(err.Error()) {
			all = append(all, finding{"settings", refused, strings.TrimSpace(line), "Correct the setting; lanyard config shows where it comes from."})
		}
	} else {
		all = append(all, finding{"settings", proved, "they were read and fit together", ""})
	}
	found, publicURL, kek := c.examineServer(ctx, loaded.Socket)
	all = append(all, found...)
	all = append(all, examinePublicURL(ctx, cmp.Or(publicURL, loaded.PublicURL)))
	all = append(all, finding{"copy of the key-encryption key", unknown, "it is at " + cmp.Or(kek, loaded.KEK),
		"Copy it to a safe place that is not beside the backups of the data. Without it nothing can be opened again."})
	bad := 0
	for _, f := range all {
		if f.Verdict == refused {
			bad++
		}
	}
	if err := c.print(all, func(w io.Writer) { printFindings(w, all) }); err != nil {
		return err
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d are refused", bad, len(all))
	}
	return nil
}

// examineServer asks the server that runs here about itself. It starts none: a
// doctor does not change the patient. It returns what the server works with, too.
func (c *cli) examineServer(ctx context.Context, socket string) (out []finding, publicURL, kek string) {
	running, err := answers(ctx, socket)
	switch {
	case err != nil:
		return []finding{{"server", refused, err.Error(), "Run this as the user of the server."}}, "", ""
	case !running:
		return []finding{{"server", unknown, "none answers at " + socket, "Start it: lanyard serve."}}, "", ""
	}
	cl, err := client.New(client.Config{Socket: socket})
	if err != nil {
		return []finding{{"server", refused, err.Error(), ""}}, "", ""
	}
	st, err := cl.Status(ctx)
	if err != nil {
		return []finding{{"server", refused, err.Error(), "See the server's log."}}, "", ""
	}
	publicURL = st.PublicURL
	out = []finding{{"server", proved, "it answers on its socket; version " + st.Version, ""}}
	for _, part := range []struct{ name, next string }{
		{"database", "See the server's log; is the database up?"},
		{"keys", "See: lanyard vault status."},
		{"disk", "Make room in " + st.DataDir + "."},
	} {
		f := finding{part.name, proved, "the server has just used it", ""}
		if st.Parts[part.name] != "ok" {
			f = finding{part.name, refused, "the server cannot use it", part.next}
		}
		out = append(out, f)
	}
	out = append(out, examineInstance(*st)...)
	if vs, err := cl.VaultStatus(ctx); err == nil {
		kek = vs.KEKURI
		f := finding{"sealed keysets", proved, "all of them were opened", ""}
		for _, l := range vs.Levels {
			if l.Unopened > 0 {
				f = finding{"sealed keysets", refused, fmt.Sprintf("%d of level %s do not open", l.Unopened, l.Level), "Somebody changed the database, or it belongs to another key."}
			}
		}
		out = append(out, f)
	}
	return append(out, c.examineApps(ctx, socket)...), publicURL, kek
}

// examineInstance is about who else uses the database, and what time it is.
func examineInstance(st wire.ServerStatus) []finding {
	calls := finding{"providers", proved, "the database was made for this server, so it may call them", ""}
	if st.Hold != nil {
		calls = finding{"providers", refused, "by us (" + st.Hold.Code + "): " + st.Hold.Detail, lanyard.RowOf(lanyard.Code(st.Hold.Code)).Do}
	}
	clock := finding{"clock", unknown, "no provider has answered in the last hour, whose clock could be compared", "It is to be kept by NTP."}
	ahead, ok := clockAhead(st.Clock)
	switch {
	case !ok:
		clock = finding{"clock", refused, "by others' clocks: " + ahead, "Have it kept by NTP: when tokens end is counted by it."}
	case st.Clock.Providers > 0:
		clock = finding{"clock", proved, ahead, ""}
	}
	silent := finding{"nodes", proved, fmt.Sprintf("%d, all of them alive", len(st.Nodes)), ""}
	for _, n := range st.Nodes {
		if !n.Alive && n.LostAt == nil {
			silent = finding{"nodes", unknown, "node " + n.ID + " was last seen " + when(&n.SeenAt) + " and has not stopped in good order",
				"Start it again: its disk may hold answers of providers that the database does not have."}
			break
		}
	}
	out := []finding{calls, clock, silent}
	switch {
	case st.Database != "sqlite":
	case st.LastBackup == nil:
		out = append(out, finding{"backup", unknown, "lanyard has taken none of this database", "Take them often: lanyard backup."})
	default:
		out = append(out, finding{"backup", proved, "the last that lanyard has taken is the state of " + when(st.LastBackup), ""})
	}
	return out
}

// examinePublicURL asks for /healthz where the world would. That it works from
// here does not prove that it does from elsewhere, and the other way round.
func examinePublicURL(ctx context.Context, publicURL string) finding {
	ctx, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, publicURL+"/healthz", nil)
	if err != nil {
		return finding{"public URL", refused, "it is no URL", "Correct public_url."}
	}
	resp, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(r)
	if err != nil {
		return finding{"public URL", unknown, publicURL + " does not answer from this machine",
			"It must answer from the internet; a provider and a person's browser have to reach it."}
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("X-Request-Id") == "" {
		return finding{"public URL", refused, fmt.Sprintf("%s answers with HTTP %d and is no Lanyard server", publicURL, resp.StatusCode),
			"Point it, or the reverse proxy there, to this server."}
	}
	return finding{"public URL", proved, publicURL + " answered, from this machine", ""}
}

func printFindings(w io.Writer, all []finding) {
	for _, f := range all {
		fmt.Fprintf(w, "%-10s  %s: %s\n", f.Verdict, f.What, f.How)
		if f.Next != "" {
			fmt.Fprintf(w, "%-10s  → %s\n", "", f.Next)
		}
	}
}
