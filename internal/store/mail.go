package store

import (
	"time"

	"lanyard"
)

const (
	mailColumns = `id, project_id, audience, cause, day, event_id, type, connection_id, person_id, digest_id, created_at`
	copyColumns = `id, project_id, mail_id, recipient, state, tries, try_at, tried_at, answer, created_at`

	// unmailed is the condition of the index events_unmailed, word for word.
	unmailed = `mailed_at IS NULL AND type IN ('connection.needs_reauth', 'connection.expiring', 'app.misconfigured', 'endpoint.disabled')`
)

func scanMail(r row, m *lanyard.Mail) error {
	return r.Scan(&m.ID, &m.Project, &m.Audience, &m.Cause, &m.Day, &m.Event, &m.Type, &m.Connection, &m.Person, &m.Digest, asTime{&m.CreatedAt})
}

func scanCopy(r row, c *lanyard.MailCopy) error {
	return r.Scan(&c.ID, &c.Project, &c.Mail, &c.Recipient, &c.State, &c.Tries, asTime{&c.TryAt}, asTime{&c.TriedAt}, &c.Answer, asTime{&c.CreatedAt})
}

// UnmailedEvents returns up to limit events, of all projects, of the types that are
// told by e-mail and at which nobody has looked for that yet, oldest first.
func (q *Query) UnmailedEvents(limit int) ([]lanyard.Event, error) {
	return all(q, scanEvent, `SELECT `+eventColumns+` FROM events WHERE `+unmailed+` ORDER BY id LIMIT $1`, limit)
}

// MarkMailed notes that an event has been looked at; false: it had been.
func (tx *Tx) MarkMailed(id lanyard.EventID) (bool, error) {
	return tx.swap(`UPDATE events SET mailed_at = $2 WHERE id = $1 AND mailed_at IS NULL`, id, micros(tx.now))
}

// AddMail writes a mail, unless its project has told this audience of this cause on
// this day already: false.
func (tx *Tx) AddMail(m lanyard.Mail) (bool, error) {
	return tx.swap(insertInto("mails", mailColumns)+` ON CONFLICT (project_id, audience, cause, day) DO NOTHING`, m.ID, m.Project, m.Audience,
		m.Cause, m.Day, m.Event, m.Type, m.Connection, m.Person, m.Digest, micros(tx.stamp(m.CreatedAt)))
}

// MailOf returns the mail about a cause on a day.
func (q *Query) MailOf(project lanyard.ProjectID, to lanyard.Audience, cause, day string) (lanyard.Mail, error) {
	return get(q, scanMail, `SELECT `+mailColumns+` FROM mails WHERE project_id = $1 AND audience = $2 AND cause = $3 AND day = $4`,
		project, to, cause, day)
}

// Mail returns one mail of a project.
func (q *Query) Mail(project lanyard.ProjectID, id lanyard.MailID) (lanyard.Mail, error) {
	return get(q, scanMail, `SELECT `+mailColumns+` FROM mails WHERE id = $1 AND project_id = $2`, id, project)
}

// CountMails counts what a project's addresses were told, each by a mail of its own,
// since a moment.
func (q *Query) CountMails(project lanyard.ProjectID, since time.Time) (int, error) {
	return q.count(`SELECT count(*) FROM mails WHERE project_id = $1 AND audience = 'project' AND created_at >= $2 AND digest_id = '' AND cause <> $3`,
		project, micros(since), lanyard.DigestCause)
}

// CountPersonMails counts the mails to a person since a moment.
func (q *Query) CountPersonMails(project lanyard.ProjectID, person lanyard.PersonID, since time.Time) (int, error) {
	return q.count(`SELECT count(*) FROM mails WHERE project_id = $1 AND person_id = $2 AND created_at >= $3 AND person_id <> ''`,
		project, person, micros(since))
}

// Digested returns the first mails that a digest tells, and how many there are.
func (q *Query) Digested(project lanyard.ProjectID, digest lanyard.MailID, limit int) ([]lanyard.Mail, int, error) {
	first, err := all(q, scanMail, `SELECT `+mailColumns+` FROM mails WHERE project_id = $1 AND digest_id = $2 AND digest_id <> '' ORDER BY id LIMIT $3`,
		project, digest, limit)
	if err != nil {
		return nil, 0, err
	}
	n, err := q.count(`SELECT count(*) FROM mails WHERE project_id = $1 AND digest_id = $2 AND digest_id <> ''`, project, digest)
	return first, n, err
}

// AddCopy queues a mail for one address, once.
func (tx *Tx) AddCopy(c lanyard.MailCopy) error {
	if c.Recipient == nil {
		c.Recipient = []byte{}
	}
	_, err := tx.exec(insertInto("mail_copies", copyColumns)+` ON CONFLICT (mail_id, recipient) DO NOTHING`, c.ID, c.Project, c.Mail, c.Recipient,
		lanyard.MailPending, 0, micros(tx.stamp(c.TryAt)), 0, 0, micros(tx.stamp(c.CreatedAt)))
	return err
}

// DueMailProjects returns up to limit projects that have a copy due at now, the one
// with the longest waiting first.
func (q *Query) DueMailProjects(now time.Time, limit int) ([]lanyard.ProjectID, error) {
	return all(q, func(r row, id *lanyard.ProjectID) error { return r.Scan(id) }, `SELECT project_id FROM mail_copies
		WHERE try_at > 0 AND try_at <= $1 GROUP BY project_id ORDER BY min(try_at), project_id LIMIT $2`, micros(now), limit)
}

// ClaimCopies leases up to limit copies of a project that are due, and counts the
// try. TryAt is the token with which EndCopy knows the lease.
func (tx *Tx) ClaimCopies(project lanyard.ProjectID, until time.Time, limit int) ([]lanyard.MailCopy, error) {
	return all(&tx.Query, scanCopy, `UPDATE mail_copies SET tries = tries + 1, try_at = $3, tried_at = $2
		WHERE try_at > 0 AND try_at <= $2 AND id IN (SELECT c.id FROM mail_copies c
			WHERE c.project_id = $1 AND c.try_at > 0 AND c.try_at <= $2 ORDER BY c.try_at LIMIT $4)
		RETURNING `+copyColumns, project, micros(tx.now), micros(until), limit)
}

// EndCopy writes what became of a try and when the next one is, if the lease, which
// ends at leased, is still ours.
func (tx *Tx) EndCopy(c lanyard.MailCopy, leased time.Time) (bool, error) {
	return tx.swap(`UPDATE mail_copies SET state = $4, tries = $5, try_at = $6, answer = $7 WHERE id = $1 AND project_id = $2 AND try_at = $3`,
		c.ID, c.Project, micros(leased), c.State, c.Tries, micros(c.TryAt), c.Answer)
}

// CountWaitingMails counts the copies that are not sent yet.
func (q *Query) CountWaitingMails() (int, error) {
	return q.count(`SELECT count(*) FROM mail_copies WHERE try_at > 0`)
}

// PurgeMails forgets up to limit mails that were made before a moment, with their
// copies, and says how many.
func (tx *Tx) PurgeMails(before time.Time, limit int) (int, error) {
	if _, err := tx.exec(`DELETE FROM mail_copies WHERE mail_id IN (SELECT m.id FROM mails m WHERE m.id < $1 ORDER BY m.id LIMIT $2)`,
		firstID("ml_", before), limit); err != nil {
		return 0, err
	}
	n, err := tx.exec(`DELETE FROM mails WHERE id IN (SELECT m.id FROM mails m WHERE m.id < $1 ORDER BY m.id LIMIT $2)`, firstID("ml_", before), limit)
	return int(n), err
}
