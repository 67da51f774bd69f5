package server

import (
	"context"
	"errors"
	"io/fs"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/vault"
	"lanyard/internal/web"
	"lanyard/wire"
)

// mountOperator registers what the operator may know and do of the parts that
// are below the services. Projects and keys are in package api.
func (s *Server) mountOperator() {
	op := func(method, path, id, summary string) web.Operation {
		return web.Operation{Method: method, Path: "/v1/operator" + path, ID: id, Tag: "Operator", Scope: web.OperatorOnly, Summary: summary}
	}
	web.JSON(s.front, op("GET", "/status", "status", "How the server is"), s.status)
	web.JSON(s.front, op("POST", "/adopt", "adopt", "Make the database this server's: it calls providers with the tokens in it"), s.adopt)
	s.mountBackup(op)
	web.JSON(s.front, op("GET", "/migrations", "listMigrations", "The steps of the database's schema"), s.migrations)
	web.JSON(s.front, op("GET", "/vault", "vaultStatus", "Which keys there are, and what they wrap"), s.vaultStatus)
	web.JSON(s.front, op("POST", "/vault/rotate", "rotateVault", "Rotate keys, or go on with a rotation"), s.rotateVault)
	s.mountSpool(op)
}

func (s *Server) migrations(ctx context.Context, _ lanyard.Principal, _ *struct{}) (*wire.List[wire.Migration], error) {
	list, err := s.db.Migrations(ctx)
	if err != nil {
		return nil, err
	}
	return &wire.List[wire.Migration]{Data: migrationsOf(list)}, nil
}

func (s *Server) vaultStatus(ctx context.Context, _ lanyard.Principal, _ *struct{}) (*wire.VaultStatus, error) {
	st, err := s.vault.Status(ctx)
	if err != nil {
		return nil, err
	}
	out := &wire.VaultStatus{KEK: st.KEK, KEKURI: st.KEKURI, Levels: []wire.VaultLevel{}}
	for _, l := range st.Levels {
		w := wire.VaultLevel{Level: string(l.Level), Keysets: l.Keysets, WrappedBy: l.WrappedBy, Rotating: l.Rotating, Unopened: l.Unopened}
		if !l.Oldest.IsZero() {
			at := l.Oldest.UTC()
			w.Oldest = &at
		}
		for _, k := range l.Keys {
			w.Keys = append(w.Keys, wire.VaultKey{ID: k.ID, Primary: k.Primary, AddedAt: k.AddedAt.UTC()})
		}
		out.Levels = append(out.Levels, w)
	}
	return out, nil
}

type rotateVault struct{ Body wire.RotateVault }

// rotateVault runs to its end whether or not the caller waits: it is resumable,
// but half of one is nothing to leave lying about.
func (s *Server) rotateVault(ctx context.Context, p lanyard.Principal, in *rotateVault) (*wire.List[wire.VaultRotation], error) {
	ctx = context.WithoutCancel(ctx)
	var list []vault.Rotation
	var err error
	one := func(r vault.Rotation, e error) { list, err = append(list, r), e }
	switch b := in.Body; b.Level {
	case "resume":
		list, err = s.vault.Resume(ctx, nil)
	case "kek":
		var kek vault.KEK
		kek, err = vault.LoadKEK(b.KEK, s.settings.DataDir)
		if errors.Is(err, fs.ErrNotExist) {
			kek, err = vault.NewKEK(b.KEK, s.settings.DataDir)
		}
		if err != nil {
			return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "kek: %w", err)
		}
		one(s.vault.RotateKEK(ctx, kek))
	case "root":
		one(s.vault.RotateRoot(ctx, nil))
	case "project":
		one(s.vault.RotateProject(ctx, lanyard.ProjectID(b.Project), nil))
	case "person":
		one(s.vault.RotatePerson(ctx, lanyard.ProjectID(b.Project), lanyard.PersonID(b.Person), nil))
	default:
		return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "level: kek, root, project, person or resume")
	}
	if errors.Is(err, vault.ErrNoKeyset) {
		return nil, lanyard.Errorf(lanyard.CodeNotFound, "there is no such project or person")
	}
	if err2 := s.recordRotation(ctx, p, in.Body, err); err2 != nil {
		return nil, err2
	}
	out := &wire.List[wire.VaultRotation]{Data: []wire.VaultRotation{}}
	for _, r := range list {
		out.Data = append(out.Data, rotationOf(r))
	}
	return out, err
}

// recordRotation writes the rotation into the log, failed ones too.
func (s *Server) recordRotation(ctx context.Context, p lanyard.Principal, in wire.RotateVault, failed error) error {
	e := lanyard.NewEntry(p, lanyard.ActVaultRotated)
	e.Detail = map[string]string{"level": in.Level}
	if in.Level == "project" || in.Level == "person" {
		e.Project = lanyard.ProjectID(in.Project)
	}
	if failed != nil {
		e = e.Failed(failed)
	}
	return s.db.Read(ctx, func(*store.Query) (lanyard.Entry, error) { return e, nil })
}

func rotationOf(r vault.Rotation) wire.VaultRotation {
	w := wire.VaultRotation{Level: string(r.Level), Owner: r.Owner, Primary: r.Primary, Rewrapped: r.Rewrapped, Resealed: r.Resealed,
		Retired: r.Retired, Waiting: r.Waiting, Carried: r.Carried, Unopened: r.Unopened}
	if !r.WaitUntil.IsZero() {
		at := r.WaitUntil.UTC()
		w.WaitUntil = &at
	}
	return w
}
