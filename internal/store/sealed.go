package store

import (
	"context"
	"fmt"
	"strings"

	"lanyard"
	"lanyard/internal/vault"
)

// sealedColumn is one column whose values the vault has sealed, and the
// expressions that give back the place and key they were sealed for.
type sealedColumn struct {
	field  string // "table.column"
	person string // whose key; "''": the project's
	bound  string // family, generation and app where they belong to the place
}

const (
	unbound     = `'', 0, ''`
	boundNow    = `family, generation, app_id`
	boundBefore = `family, generation - 1, app_id` // what a renewal has replaced
)

// sealedColumns lists every one of them, sorted by field, which is the order in
// which a rotation goes through. A test compares it with the schema.
func sealedColumns() []sealedColumn {
	return []sealedColumn{
		{"apps.next_secret", `''`, unbound},
		{"apps.next_webhook_secret", `''`, unbound},
		{"apps.secret", `''`, unbound},
		{"apps.webhook_secret", `''`, unbound},
		{"bots.sealed", `''`, unbound},
		{"connections.account", `person_id`, unbound},
		{"consents.sealed", `person_id`, unbound},
		{"deliveries.answer", `''`, unbound},
		{"endpoints.old_secret", `''`, unbound},
		{"endpoints.secret", `''`, unbound},
		{"entries.sealed", `person_id`, unbound},
		{"flows.parked", `''`, unbound},
		{"flows.sealed", `''`, unbound},
		{"grants.previous", `''`, boundBefore},
		{"grants.tokens", `''`, boundNow},
		{"idempotency.answer", `''`, unbound},
		{"persons.sealed", `id`, unbound},
		{"runners.key", `''`, unbound},
		{"sessions.sealed", `person_id`, unbound},
		{"token_urls.sealed", `''`, unbound},
	}
}

func (c sealedColumn) split() (table, column string) {
	table, column, _ = strings.Cut(c.field, ".")
	return table, column
}

// keyOf is the key that a value is under: the person's where there is one.
func keyOf(project lanyard.ProjectID, person lanyard.PersonID) vault.Key {
	if person == "" {
		return vault.ProjectKey(project)
	}
	return vault.PersonKey(project, person)
}

// SealedFields returns up to limit sealed values of a project, sorted by cursor
// ("table.column|id"), after the given one; "" begins. Fewer than limit: that
// was all.
func (db *DB) SealedFields(ctx context.Context, project lanyard.ProjectID, after string, limit int) ([]vault.SealedField, error) {
	afterField, afterRow, _ := strings.Cut(after, "|")
	var out []vault.SealedField
	err := db.View(ctx, func(q *Query) error {
		for _, c := range sealedColumns() {
			if c.field < afterField || len(out) == limit {
				continue
			}
			from := ""
			if c.field == afterField {
				from = afterRow
			}
			table, column := c.split()
			scan := func(r row, f *vault.SealedField) error {
				var person lanyard.PersonID
				f.Place = vault.Place{Project: project, Field: c.field}
				err := r.Scan(&f.Place.Row, &person, &f.Place.Family, &f.Place.Generation, &f.Place.App, &f.Sealed)
				f.Key, f.Cursor = keyOf(project, person), c.field+"|"+f.Place.Row
				return err
			}
			fields, err := all(q, scan, fmt.Sprintf(`SELECT id, %s, %s, %s FROM %s WHERE project_id = $1 AND id > $2 AND %s IS NOT NULL
				ORDER BY id LIMIT $3`, c.person, c.bound, column, table, column), project, from, limit-len(out))
			if err != nil {
				return fmt.Errorf("list sealed %s: %w", c.field, err)
			}
			out = append(out, fields...)
		}
		return nil
	})
	return out, err
}

// ReplaceSealed puts sealed in the place of f.Sealed, if that and the place
// still hold; false: they do not, and nothing was changed.
func (db *DB) ReplaceSealed(ctx context.Context, f vault.SealedField, sealed []byte) (done bool, err error) {
	for _, c := range sealedColumns() {
		if c.field != f.Place.Field {
			continue
		}
		table, column := c.split()
		err = db.Bookkeep(ctx, func(tx *Tx) (err error) {
			w := &where{args: []any{f.Place.Row, f.Place.Project, f.Sealed, sealed}}
			if bound := strings.Split(c.bound, ", "); c.bound != unbound {
				w.and(bound[0]+" = ", f.Place.Family)
				w.and(bound[1]+" = ", f.Place.Generation)
				w.and(bound[2]+" = ", f.Place.App)
			}
			done, err = tx.swap(fmt.Sprintf(`UPDATE %s SET %s = $4 WHERE id = $1 AND project_id = $2 AND %s = $3%s`,
				table, column, column, w.text.String()), w.args...)
			return err
		})
		if err != nil {
			return false, fmt.Errorf("replace sealed %s: %w", c.field, err)
		}
		return done, nil
	}
	return false, fmt.Errorf("replace sealed: no column %q", f.Place.Field)
}

// CountSealed says how many sealed values a project has, for a progress line.
func (db *DB) CountSealed(ctx context.Context, project lanyard.ProjectID) (int, error) {
	total := 0
	err := db.View(ctx, func(q *Query) error {
		for _, c := range sealedColumns() {
			table, column := c.split()
			n, err := get(q, func(r row, n *int) error { return r.Scan(n) },
				fmt.Sprintf(`SELECT count(*) FROM %s WHERE project_id = $1 AND %s IS NOT NULL`, table, column), project)
			if err != nil {
				return fmt.Errorf("count sealed %s: %w", c.field, err)
			}
			total += n
		}
		return nil
	})
	return total, err
}
