// Command lanyard keeps users' OAuth connections for meeting bots: the server,
// and the commands that an operator or a customer's developer uses.
//
//	lanyard serve           runs the server
//	lanyard key create …    talks to it: over its socket, or with --server over TCP
//
// A command never opens the database of a running server. Where none runs, it
// starts the same code in process, under the lock of the data directory.
// docs/commands.md has the commands and the exit codes.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// The first signal asks for an orderly end; the second one ends at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr, os.Environ()))
}

// run is the whole command; it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, environ []string) int {
	c := &cli{out: stdout, err: stderr, environ: environ}
	root := c.root()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		return c.fail(err)
	}
	return exitOK
}
