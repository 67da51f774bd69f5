package store

import (
	"lanyard"
	"lanyard/internal/vault"
)

const personColumns = `id, project_id, kind, ref_hash, sealed, created_at`

func scanPerson(r row, p *lanyard.Person) error {
	return r.Scan(&p.ID, &p.Project, &p.Kind, &p.RefHash, &p.Sealed, asTime{&p.CreatedAt})
}

// Person returns one person of the project, or CodeNotFound.
func (q *Query) Person(project lanyard.ProjectID, id lanyard.PersonID) (lanyard.Person, error) {
	return get(q, scanPerson, `SELECT `+personColumns+` FROM persons WHERE id = $1 AND project_id = $2`, id, project)
}

// People returns several persons of the project; who is none of it is left out.
func (q *Query) People(project lanyard.ProjectID, ids []lanyard.PersonID) ([]lanyard.Person, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	w := &where{}
	w.and("project_id = ", project)
	in(w, "id", ids)
	return all(q, scanPerson, `SELECT `+personColumns+` FROM persons WHERE 1 = 1`+w.text.String(), w.args...)
}

// PersonByRef finds a person by the keyed hash of the caller's own string.
func (q *Query) PersonByRef(project lanyard.ProjectID, refHash []byte) (lanyard.Person, error) {
	return get(q, scanPerson, `SELECT `+personColumns+` FROM persons WHERE project_id = $1 AND ref_hash = $2`, project, refHash)
}

// Persons lists the persons of a project, oldest first.
func (q *Query) Persons(project lanyard.ProjectID, page lanyard.Page) ([]lanyard.Person, string, error) {
	w := &where{}
	w.and("project_id = ", project)
	return pageOf(q, scanPerson, func(p lanyard.Person) string { return string(p.ID) },
		`SELECT `+personColumns+` FROM persons WHERE 1 = 1`, w, "id", ascending, page)
}

// AddPerson makes a person together with their keyset. Where another made the
// same person meanwhile, the error is an *ExistsError: read again.
func (tx *Tx) AddPerson(p lanyard.Person, ks vault.SealedKeyset) error {
	if err := tx.add("persons", personColumns,
		[]any{p.ID, p.Project, p.Kind, p.RefHash, p.Sealed, micros(tx.stamp(p.CreatedAt))}); err != nil {
		return err
	}
	return tx.addKeyset(ks)
}

// PutPerson writes kind and sealed data.
func (tx *Tx) PutPerson(p lanyard.Person) error {
	return tx.must(`UPDATE persons SET kind = $3, sealed = $4 WHERE id = $1 AND project_id = $2`,
		p.ID, p.Project, p.Kind, p.Sealed)
}
