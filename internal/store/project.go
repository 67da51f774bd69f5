package store

import (
	"encoding/json"
	"fmt"

	"lanyard"
	"lanyard/internal/vault"
)

const projectColumns = `id, name, settings, created_at, updated_at`

func scanProject(r row, p *lanyard.Project) error {
	var settings string
	if err := r.Scan(&p.ID, &p.Name, &settings, asTime{&p.CreatedAt}, asTime{&p.UpdatedAt}); err != nil {
		return err
	}
	return json.Unmarshal([]byte(settings), &p.Settings)
}

// Project returns one project, or CodeNotFound.
func (q *Query) Project(id lanyard.ProjectID) (lanyard.Project, error) {
	return get(q, scanProject, `SELECT `+projectColumns+` FROM projects WHERE id = $1`, id)
}

// Projects lists all projects, oldest first, and the cursor of the next page.
func (q *Query) Projects(page lanyard.Page) ([]lanyard.Project, string, error) {
	return pageOf(q, scanProject, func(p lanyard.Project) string { return string(p.ID) },
		`SELECT `+projectColumns+` FROM projects WHERE 1 = 1`, &where{}, "id", ascending, page)
}

// AddProject makes a project together with its keyset.
func (tx *Tx) AddProject(p lanyard.Project, ks vault.SealedKeyset) error {
	settings, err := json.Marshal(p.Settings)
	if err != nil {
		return fmt.Errorf("encode project settings: %w", err)
	}
	if err := tx.add("projects", projectColumns,
		[]any{p.ID, p.Name, string(settings), micros(tx.stamp(p.CreatedAt)), micros(tx.stamp(p.UpdatedAt))}); err != nil {
		return err
	}
	return tx.addKeyset(ks)
}

// PutProject writes name and settings, and sets updated_at.
func (tx *Tx) PutProject(p lanyard.Project) error {
	settings, err := json.Marshal(p.Settings)
	if err != nil {
		return fmt.Errorf("encode project settings: %w", err)
	}
	return tx.must(`UPDATE projects SET name = $2, settings = $3, updated_at = $4 WHERE id = $1`,
		p.ID, p.Name, string(settings), micros(tx.now))
}
