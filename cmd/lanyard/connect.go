package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"syscall"

	"lanyard"
	"lanyard/client"
	"lanyard/internal/server"
	"lanyard/wire"
)

// connection is a server to talk to.
type connection struct {
	*client.Client
	operator bool // we are the operator by the socket, or in process
	local    bool // in process: no server is running
	make     func(project string) (*client.Client, error)
	close    func() error
}

// connect finds the server: the one that is named, the one that is running here,
// or one started in this process.
func (c *cli) connect(ctx context.Context) (*connection, error) {
	cfg := client.Config{Server: c.serverURL}
	conn := &connection{close: func() error { return nil }}
	if c.serverURL != "" {
		key, err := c.key()
		if err != nil {
			return nil, err
		}
		cfg.Key = key
	} else {
		conn.operator = true
		loaded, err := c.load()
		if err != nil {
			return nil, err
		}
		switch running, err := answers(ctx, loaded.Socket); {
		case err != nil:
			return nil, err
		case running:
			cfg.Socket = loaded.Socket
		default:
			log := slog.New(slog.NewJSONHandler(c.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
			s, err := server.New(ctx, loaded.Settings, log)
			if err != nil {
				return nil, fmt.Errorf("no server answers at %s, and none could be started in this process: %w", loaded.Socket, err)
			}
			cfg.Transport, conn.local = s.Local(), true
			conn.close = func() error { return s.Close(context.WithoutCancel(ctx)) }
		}
	}
	conn.make = func(project string) (*client.Client, error) {
		cfg.Project = project
		return client.New(cfg)
	}
	var err error
	if conn.Client, err = conn.make(""); err != nil {
		return nil, errors.Join(err, conn.close())
	}
	return conn, nil
}

// with connects, calls do, and closes. It is for what is above projects.
func (c *cli) with(ctx context.Context, do func(*connection) error) (err error) {
	conn, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.close()) }()
	return do(conn)
}

// onProject is with, for what belongs to a project. A key has its project; the
// operator says which, or has only one.
func (c *cli) onProject(ctx context.Context, do func(*client.Client) error) error {
	return c.with(ctx, func(conn *connection) error {
		if c.project == "" && !conn.operator {
			who, err := conn.Whoami(ctx)
			if err != nil {
				return err
			}
			if !who.Operator {
				return do(conn.Client)
			}
		}
		project, err := c.findProject(ctx, conn)
		if err != nil {
			return err
		}
		on, err := conn.make(project)
		if err != nil {
			return err
		}
		return do(on)
	})
}

// findProject turns --project into an id.
func (c *cli) findProject(ctx context.Context, conn *connection) (string, error) {
	if lanyard.ValidID("prj_", c.project) {
		return c.project, nil
	}
	all, err := client.All(ctx, conn.ListProjects)
	if err != nil {
		return "", err
	}
	var fits []wire.Project
	var names []string
	for _, p := range all {
		names = append(names, p.Name)
		if c.project == "" || p.Name == c.project {
			fits = append(fits, p)
		}
	}
	switch {
	case len(fits) == 1:
		return fits[0].ID, nil
	case len(all) == 0:
		return "", lanyard.Errorf(lanyard.CodeNotFound, "there is no project yet; make one with: lanyard project create NAME")
	case len(fits) == 0:
		return "", lanyard.Errorf(lanyard.CodeNotFound, "there is no project called %q; there are: %s", c.project, strings.Join(names, ", "))
	case c.project == "":
		return "", usage(fmt.Errorf("say which project with --project: %s", strings.Join(names, ", ")))
	}
	return "", usage(fmt.Errorf("several projects are called %q; say which by its id", c.project))
}

// key is the credential for --server. There is no flag for it: a command line is
// in every process list.
func (c *cli) key() (lanyard.Secret, error) {
	if c.keyFile != "" {
		b, err := os.ReadFile(c.keyFile)
		if err != nil {
			return lanyard.Secret{}, fmt.Errorf("read the key: %w", err)
		}
		return lanyard.NewSecret(strings.TrimSpace(string(b))), nil
	}
	if v := c.env("LANYARD_KEY"); v != "" {
		return lanyard.NewSecret(strings.TrimSpace(v)), nil
	}
	return lanyard.Secret{}, lanyard.Errorf(lanyard.CodeCredentialMissing, "--server needs a key: set LANYARD_KEY, or LANYARD_KEY_FILE or --key-file")
}

// answers says whether a server listens on the socket.
func answers(ctx context.Context, socket string) (bool, error) {
	c, err := client.DialSocket(ctx, socket)
	switch {
	case err == nil:
		_ = c.Close()
		return true, nil
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return false, nil // never there, or left by a process that is gone
	case errors.Is(err, os.ErrPermission):
		return false, fmt.Errorf("the server's socket %s belongs to another user; run this as that user or as root, or use --server with an operator key", socket)
	}
	return false, fmt.Errorf("reach the server's socket: %w", err)
}
