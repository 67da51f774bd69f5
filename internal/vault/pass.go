package vault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/fault"
)

// batch is how many rows a rotation reads at a time.
const batch = 200

// pass is one look at everything a keyset has sealed.
type pass struct {
	o      *opened
	moved  int               // from an old key to the primary
	broken map[string]uint32 // what did not open, in this or an earlier pass → the key id it names
}

// run moves what is under old keys of p.o to its primary key.
func (v *Vault) run(ctx context.Context, p *pass, r *Rotation, tell func(string, int)) error {
	keyset := func(row SealedKeyset) error {
		moved, err := v.rewrap(ctx, p, row)
		if moved {
			r.Rewrapped++
			tell(StepRewrapped, r.Rewrapped)
		}
		return err
	}
	field := func(f SealedField) error {
		moved, err := v.reseal(ctx, p, f)
		if moved {
			r.Resealed++
			tell(StepResealed, r.Resealed)
		}
		return err
	}
	switch p.o.key.Level() {
	case LevelRoot:
		return errors.Join(v.each(ctx, LevelLookup, "", keyset), v.each(ctx, LevelProject, "", keyset))
	case LevelProject:
		if err := v.each(ctx, LevelPerson, p.o.key.Owner()+"/", keyset); err != nil {
			return err
		}
	}
	return v.eachField(ctx, p.o.key, field)
}

// rewrap wraps one keyset with the primary key, if an old one wraps it.
func (v *Vault) rewrap(ctx context.Context, p *pass, row SealedKeyset) (bool, error) {
	if !p.due(row.Sealed) {
		return false, nil
	}
	plain, err := v.unwrapUnder(ctx, p.o, row)
	if err != nil {
		return false, p.left(row.Sealed, err)
	}
	next := row
	next.Version, next.UpdatedAt = row.Version+1, time.Now()
	if next.Sealed, next.WrappedBy, err = wrapUnder(p.o, row.Level, row.Owner, plain); err != nil {
		return false, err
	}
	won, err := v.keysets.PutKeyset(ctx, next, row.Version)
	if err != nil {
		return false, fmt.Errorf("store keyset of %s: %w", row.Owner, err)
	}
	p.moved++ // if somebody else was faster, the next pass sees what they put there
	return won, nil
}

// reseal seals one value with the primary key, if it is under an old one.
func (v *Vault) reseal(ctx context.Context, p *pass, f SealedField) (bool, error) {
	if !p.due(f.Sealed) {
		return false, nil
	}
	secret, err := v.Open(ctx, f.Key, f.Place, f.Sealed)
	if err != nil {
		return false, p.left(f.Sealed, err)
	}
	sealed, err := Sealer{f.Key, p.o}.Seal(f.Place, secret)
	if err != nil {
		return false, err
	}
	if err := fault.At(ctx, fault.VaultRewrap); err != nil {
		return false, err
	}
	won, err := v.fields.ReplaceSealed(ctx, f, sealed)
	if err != nil {
		return false, fmt.Errorf("replace %s of %s: %w", f.Place.Field, f.Place.Row, err)
	}
	p.moved++
	return won, nil
}

// due says whether b has to be moved. What names neither the primary nor an old
// key has to be opened to see what it is; once is enough.
func (p *pass) due(b []byte) bool {
	id, ok := keyID(b)
	_, known := p.broken[string(b)]
	return !known && (!ok || id != p.o.primary)
}

// left notes what could not be moved because it does not open.
func (p *pass) left(b []byte, err error) error {
	if !errors.Is(err, lanyard.CodeTampered) {
		return err
	}
	p.broken[string(b)], _ = keyID(b)
	return nil
}

// carried counts, by the key they name, what does not open. It keeps that key
// alive: whoever changed it may be found out and undone.
func (p *pass) carried() map[string]int {
	var out map[string]int
	for _, id := range p.broken {
		if id != p.o.primary && p.o.has(id) {
			if out == nil {
				out = make(map[string]int)
			}
			out[idString(id)]++
		}
	}
	return out
}

// each calls do for every stored keyset of a level whose owner begins with prefix.
func (v *Vault) each(ctx context.Context, level Level, prefix string, do func(SealedKeyset) error) error {
	if level == LevelRoot || level == LevelLookup {
		row, err := v.keysets.Keyset(ctx, level, "")
		if err != nil {
			return fmt.Errorf("read %s keyset: %w", level, err)
		}
		return do(row)
	}
	after := prefix
	for {
		rows, err := v.keysets.ListKeysets(ctx, level, after, batch)
		if err != nil {
			return fmt.Errorf("list %s keysets: %w", level, err)
		}
		for _, row := range rows {
			if !strings.HasPrefix(row.Owner, prefix) {
				return nil
			}
			if err := do(row); err != nil {
				return err
			}
			after = row.Owner
		}
		if len(rows) < batch {
			return nil
		}
	}
}

// eachField calls do for every stored value under key.
func (v *Vault) eachField(ctx context.Context, key Key, do func(SealedField) error) error {
	after := ""
	for {
		fields, err := v.fields.SealedFields(ctx, key.project, after, batch)
		if err != nil {
			return fmt.Errorf("list sealed values: %w", err)
		}
		for _, f := range fields {
			if f.Key == key {
				if err := do(f); err != nil {
					return err
				}
			}
			after = f.Cursor
		}
		if len(fields) < batch {
			return nil
		}
	}
}
