package store

import (
	"time"

	"lanyard"
)

const meetingColumns = `app_id, meeting, project_id, host, personal, listed, gone, said_at, state, run, run_at, told_at, keep_until`

func scanMeeting(r row, m *lanyard.Meeting) error {
	return r.Scan(text(&m.App), &m.Key, text(&m.Project), &m.Host, asFlag{&m.Personal}, asFlag{&m.Listed}, asFlag{&m.Gone}, asTime{&m.SaidAt},
		text(&m.State), &m.Run, asTime{&m.RunAt}, asTime{&m.ToldAt}, asTime{&m.KeepUntil})
}

// Meeting returns what is known of a meeting by an app, or CodeNotFound.
func (q *Query) Meeting(app lanyard.AppID, key []byte) (lanyard.Meeting, error) {
	return get(q, scanMeeting, `SELECT `+meetingColumns+` FROM meetings WHERE app_id = $1 AND meeting = $2`, app, key)
}

// PutMeeting writes all that is known of a meeting. It is read before in the same
// transaction, which has locked its host's listing.
func (tx *Tx) PutMeeting(m lanyard.Meeting) error {
	_, err := tx.exec(insertInto("meetings", meetingColumns)+` ON CONFLICT (app_id, meeting) DO UPDATE SET host = excluded.host,
		personal = excluded.personal, listed = excluded.listed, gone = excluded.gone, said_at = excluded.said_at, state = excluded.state,
		run = excluded.run, run_at = excluded.run_at, told_at = excluded.told_at, keep_until = excluded.keep_until`,
		m.App, m.Key, m.Project, notNull(m.Host), flag(m.Personal), flag(m.Listed), flag(m.Gone), micros(m.SaidAt), m.State, notNull(m.Run),
		micros(m.RunAt), micros(m.ToldAt), micros(m.KeepUntil))
	return err
}

// LoseMeetings marks as gone what a host's whole list of a moment does not have any more,
// and says how many: of what was listed before, personal meetings only or all.
func (tx *Tx) LoseMeetings(app lanyard.AppID, host []byte, at, keepUntil time.Time, personal bool) (int, error) {
	n, err := tx.exec(`UPDATE meetings SET gone = 1, said_at = $3, keep_until = $4
		WHERE app_id = $1 AND host = $2 AND said_at < $3 AND listed = 1 AND gone = 0 AND personal >= $5`,
		app, host, micros(at), micros(keepUntil), flag(personal))
	return int(n), err
}

// PutAttendance notes that somebody has come or gone, unless something later is known
// of the same stay. Of the same moment, going is the later.
func (tx *Tx) PutAttendance(a lanyard.Attendance) error {
	_, err := tx.exec(insertInto("attendances", `app_id, meeting, run, participant, project_id, account, here, at`)+`
		ON CONFLICT (app_id, meeting, run, participant) DO UPDATE SET here = excluded.here, at = excluded.at,
			account = CASE WHEN excluded.account = $9 THEN attendances.account ELSE excluded.account END
		WHERE attendances.at < excluded.at OR (attendances.at = excluded.at AND excluded.here = 0)`,
		a.App, a.Meeting, notNull(a.Run), a.Participant, a.Project, notNull(a.Account), flag(a.Here), micros(a.At), []byte{})
	return err
}

// EndRun forgets who was in a run of a meeting.
func (tx *Tx) EndRun(app lanyard.AppID, meeting, run []byte) error {
	_, err := tx.exec(`DELETE FROM attendances WHERE app_id = $1 AND meeting = $2 AND run = $3`, app, meeting, notNull(run))
	return err
}

// Stays are how often an account is in a run of a meeting, and how often it was.
type Stays struct{ Here, Left int64 }

// Stays counts those of one account; of nobody in particular where account is empty.
func (q *Query) Stays(m lanyard.Meeting, account []byte) (Stays, error) {
	return get(q, func(r row, s *Stays) error { return r.Scan(&s.Here, &s.Left) },
		`SELECT CAST(COALESCE(SUM(here), 0) AS BIGINT), CAST(COALESCE(SUM(1 - here), 0) AS BIGINT) FROM attendances
			WHERE app_id = $1 AND meeting = $2 AND run = $3 AND account = $4`, m.App, m.Key, notNull(m.Run), notNull(account))
}

// PresentIn returns up to limit accounts that are in the run of a meeting.
func (q *Query) PresentIn(m lanyard.Meeting, limit int) ([][]byte, error) {
	return all(q, func(r row, b *[]byte) error { return r.Scan(b) }, `SELECT DISTINCT account FROM attendances
		WHERE app_id = $1 AND meeting = $2 AND run = $3 AND here = 1 AND account <> $4 ORDER BY account LIMIT $5`,
		m.App, m.Key, notNull(m.Run), []byte{}, limit)
}

// PurgeMeetings forgets up to limit meetings whose time is over, and says how many.
func (tx *Tx) PurgeMeetings(limit int) (int, error) {
	n, err := tx.exec(`DELETE FROM meetings WHERE (app_id, meeting) IN (SELECT m.app_id, m.meeting FROM meetings m
		WHERE m.keep_until < $1 ORDER BY m.keep_until LIMIT $2)`, micros(tx.now), limit)
	return int(n), err
}

// PurgeAttendances forgets up to limit stays that nothing was said of since a moment.
func (tx *Tx) PurgeAttendances(before time.Time, limit int) (int, error) {
	n, err := tx.exec(`DELETE FROM attendances WHERE (app_id, meeting, run, participant) IN
		(SELECT a.app_id, a.meeting, a.run, a.participant FROM attendances a WHERE a.at < $1 ORDER BY a.at LIMIT $2)`, micros(before), limit)
	return int(n), err
}

// notNull is for a hash that may be empty.
func notNull(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
