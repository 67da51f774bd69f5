package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"lanyard"
	"lanyard/internal/access"
)

// Bootstrap makes project "default" on an empty database, and one API key with
// every scope, which is shown once: on the terminal, or in the file of the
// setting first_key_file. Where there is neither, no key is made, and the log
// says how to make one. On a database that has a project it does nothing.
func (s *Server) Bootstrap(ctx context.Context, terminal io.Writer) (err error) {
	p := lanyard.Principal{Name: "lanyard", Operator: true}
	have, _, err := s.access.Projects(ctx, p, lanyard.Page{Limit: 1})
	if err != nil || len(have) > 0 {
		return err
	}
	// The file comes first: if it cannot be made, nothing else has been.
	var out io.Writer = terminal
	if s.settings.FirstKeyFile != "" {
		f, err := os.OpenFile(s.settings.FirstKeyFile, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return fmt.Errorf("setting first_key_file: %w; it is written once, and not over anything", err)
		}
		defer func() {
			err = errors.Join(err, f.Close())
			if err != nil {
				err = errors.Join(err, os.Remove(s.settings.FirstKeyFile))
			}
		}()
		out = f
	}
	s.log.Warn("the key-encryption key was made or is used for the first time: copy it to a safe place, not beside the data", "kek", s.settings.KEK)
	pr, err := s.access.CreateProject(ctx, p, "default")
	if err != nil {
		return fmt.Errorf("make the first project: %w", err)
	}
	if out == nil {
		s.log.Info("project default was made; make its first key with: lanyard key create --project "+string(pr.ID)+
			" --scope admin", "project", string(pr.ID))
		return nil
	}
	p.Project = pr.ID
	_, credential, err := s.access.CreateKey(ctx, p, access.NewKey{Name: "first", Scopes: lanyard.Scopes})
	if err != nil {
		return fmt.Errorf("make the first key: %w", err)
	}
	// The key is on its way out: this is the one place where it is shown.
	text := string(credential.Reveal()) + "\n"
	if s.settings.FirstKeyFile == "" {
		text = fmt.Sprintf("\nLanyard is at %s\nProject default: %s\nIts API key, shown this once: %s\nCopy the key-encryption key, %s, to a safe place: without it nothing can be opened again.\n\n",
			s.settings.PublicURL, pr.ID, text, strings.TrimPrefix(s.settings.KEK, "file:"))
	}
	if _, err := io.WriteString(out, text); err != nil {
		return fmt.Errorf("the first key was made but could not be shown (%w); make another with: lanyard key create --project %s --scope admin", err, pr.ID)
	}
	if f, ok := out.(*os.File); ok && s.settings.FirstKeyFile != "" {
		return f.Sync()
	}
	return nil
}
