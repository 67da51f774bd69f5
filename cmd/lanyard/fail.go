package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"lanyard"
	"lanyard/client"
	"lanyard/wire"
)

// Exit codes; docs/commands.md has them for people.
const (
	exitOK          = 0
	exitFailed      = 1 // something else went wrong
	exitUsage       = 2 // the command or the request is wrong: change it
	exitNotFound    = 3
	exitDenied      = 4 // no key, a wrong one, or one that may not
	exitUnavailable = 5 // not reachable, or not able to at the moment: try again later
	exitConflict    = 6 // not in this state of things
)

// usageError is a command that was called wrongly.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usage(err error) error { return usageError{err} }

// fail says what went wrong: the sentence, the code, and the next step. It
// returns the exit code.
func (c *cli) fail(err error) int {
	p := wire.Problem{Detail: err.Error()}
	next := ""
	var answered *client.Error
	var own *lanyard.Error
	switch {
	case errors.As(err, &answered):
		p = answered.Problem
	case errors.As(err, &own):
		p.Code = string(own.Code)
	case errors.Is(err, client.ErrUnreachable):
		next = "Check that it runs (lanyard doctor) and that --server is right."
	}
	if p.Code != "" && next == "" {
		next = lanyard.RowOf(lanyard.Code(p.Code)).Do
	}
	if c.json {
		_ = json.NewEncoder(c.err).Encode(p)
		return exitCode(err)
	}
	fmt.Fprintf(c.err, "lanyard: %s\n", strings.ReplaceAll(p.Detail, "\n", "\nlanyard: "))
	for _, f := range p.Errors {
		fmt.Fprintf(c.err, "  %s: %s\n", f.Location, f.Message)
	}
	for _, line := range []struct{ name, text string }{
		{"code", p.Code}, {"next", next}, {"reconnect at", p.ReconnectURL}, {"connect at", p.ConnectURL},
		{"missing scopes", strings.Join(p.MissingScopes, " ")}, {"choices", strings.Join(p.Choices, " ")}, {"request id", p.RequestID},
	} {
		if line.text != "" {
			fmt.Fprintf(c.err, "  %s: %s\n", line.name, line.text)
		}
	}
	printSkipped(c.err, p.Skipped)
	return exitCode(err)
}

func exitCode(err error) int {
	if errors.As(err, new(usageError)) {
		return exitUsage
	}
	for _, k := range []struct {
		kind lanyard.Kind
		code int
	}{
		{lanyard.Invalid, exitUsage}, {lanyard.TooLarge, exitUsage}, {lanyard.Reused, exitUsage},
		{lanyard.NotFound, exitNotFound},
		{lanyard.Unauthenticated, exitDenied}, {lanyard.Forbidden, exitDenied},
		{lanyard.Unavailable, exitUnavailable}, {lanyard.Limited, exitUnavailable}, {lanyard.Upstream, exitUnavailable},
		{lanyard.Conflict, exitConflict}, {lanyard.Gone, exitConflict}, {lanyard.Reconnect, exitConflict},
	} {
		if errors.Is(err, k.kind) {
			return k.code
		}
	}
	if errors.Is(err, client.ErrUnreachable) || errors.Is(err, context.DeadlineExceeded) {
		return exitUnavailable
	}
	return exitFailed
}
