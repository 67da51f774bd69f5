package store

import "lanyard"

const runnerColumns = `id, project_id, kind, name, url, key, is_default, created_at, updated_at`

func scanRunner(r row, v *lanyard.Runner) error {
	return r.Scan(&v.ID, &v.Project, &v.Kind, &v.Name, &v.URL, &v.Key, asFlag{&v.Default}, asTime{&v.CreatedAt}, asTime{&v.UpdatedAt})
}

// Runner returns one runner of a project.
func (q *Query) Runner(project lanyard.ProjectID, id lanyard.RunnerID) (lanyard.Runner, error) {
	return get(q, scanRunner, `SELECT `+runnerColumns+` FROM runners WHERE id = $1 AND project_id = $2`, id, project)
}

// Runners lists the runners of a project, newest first.
func (q *Query) Runners(project lanyard.ProjectID, page lanyard.Page) ([]lanyard.Runner, string, error) {
	w := &where{}
	w.and("project_id = ", project)
	return pageOf(q, scanRunner, func(r lanyard.Runner) string { return string(r.ID) },
		`SELECT `+runnerColumns+` FROM runners WHERE 1 = 1`, w, "id", descending, page)
}

// AllRunners returns every runner of a project, the default one first, then the oldest.
func (q *Query) AllRunners(project lanyard.ProjectID) ([]lanyard.Runner, error) {
	return all(q, scanRunner, `SELECT `+runnerColumns+` FROM runners WHERE project_id = $1 ORDER BY is_default DESC, id`, project)
}

// CountRunners counts the runners of a project.
func (q *Query) CountRunners(project lanyard.ProjectID) (int, error) {
	return q.count(`SELECT count(*) FROM runners WHERE project_id = $1`, project)
}

// AddRunner writes a new runner. Where it is the default, the one before no longer is.
func (tx *Tx) AddRunner(r lanyard.Runner) error {
	if err := tx.onlyDefault(r); err != nil {
		return err
	}
	return tx.add("runners", runnerColumns, []any{r.ID, r.Project, r.Kind, r.Name, r.URL, r.Key, flag(r.Default),
		micros(tx.stamp(r.CreatedAt)), micros(tx.stamp(r.UpdatedAt))})
}

// PutRunner writes what can change of a runner. Where it is the default, the one before
// no longer is.
func (tx *Tx) PutRunner(r lanyard.Runner) error {
	if err := tx.onlyDefault(r); err != nil {
		return err
	}
	return tx.must(`UPDATE runners SET name = $3, url = $4, key = $5, is_default = $6, updated_at = $7 WHERE id = $1 AND project_id = $2`,
		r.ID, r.Project, r.Name, r.URL, r.Key, flag(r.Default), micros(tx.stamp(r.UpdatedAt)))
}

func (tx *Tx) onlyDefault(r lanyard.Runner) error {
	if !r.Default {
		return nil
	}
	_, err := tx.exec(`UPDATE runners SET is_default = 0 WHERE project_id = $1 AND id <> $2 AND is_default = 1`, r.Project, r.ID)
	return err
}

// LockRunner returns one runner of a project, and keeps others from changing it until
// the transaction ends.
func (tx *Tx) LockRunner(project lanyard.ProjectID, id lanyard.RunnerID) (lanyard.Runner, error) {
	return get(&tx.Query, scanRunner, `UPDATE runners SET updated_at = updated_at WHERE id = $1 AND project_id = $2
		RETURNING `+runnerColumns, id, project)
}

// DeleteRunner removes a runner.
func (tx *Tx) DeleteRunner(project lanyard.ProjectID, id lanyard.RunnerID) error {
	return tx.must(`DELETE FROM runners WHERE id = $1 AND project_id = $2`, id, project)
}
