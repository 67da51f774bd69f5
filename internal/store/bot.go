package store

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lanyard"
)

const botColumns = `id, project_id, provider, meeting, sealed, dialect, runner_id, runner_kind, ref, candidates, allow, metadata, dedup_key, state, reason,
	used, turn, tries, join_at, patience, give_up_at, told_at, next_at, lease_until, created_at, updated_at, ended_at, starts, out_at, leave_at, asked_at, stop, joined_at`

func scanBot(r row, b *lanyard.Bot) error {
	var patience int64
	err := r.Scan(&b.ID, &b.Project, &b.Provider, &b.Meeting, &b.Sealed, &b.Dialect, &b.Runner, &b.Kind, &b.Ref, value(&b.Candidates), value(&b.Allow),
		asDict{&b.Metadata}, &b.DedupKey, &b.State, &b.Reason, &b.Used, &b.Turn, value(&b.Tries), asTime{&b.JoinAt}, &patience, asTime{&b.GiveUpAt},
		asTime{&b.ToldAt}, asTime{&b.NextAt}, asTime{&b.LeaseUntil}, asTime{&b.CreatedAt}, asTime{&b.UpdatedAt}, asTime{&b.EndedAt},
		&b.Starts, asTime{&b.OutAt}, asTime{&b.LeaveAt}, asTime{&b.AskedAt}, &b.Stop, asTime{&b.JoinedAt})
	b.Patience = time.Duration(patience) * time.Microsecond
	if len(b.Meeting) == 0 {
		b.Meeting = nil
	}
	return err
}

// Bot returns one bot of a project, or CodeNotFound.
func (q *Query) Bot(project lanyard.ProjectID, id lanyard.BotID) (lanyard.Bot, error) {
	return get(q, scanBot, `SELECT `+botColumns+` FROM bots WHERE id = $1 AND project_id = $2`, id, project)
}

// BotByRef returns the newest bot of a project that its runner calls so, else the newest that
// it called so before it was asked for it again, or CodeNotFound.
func (q *Query) BotByRef(project lanyard.ProjectID, ref string) (lanyard.Bot, error) {
	if ref == "" {
		return lanyard.Bot{}, lanyard.Errorf(lanyard.CodeNotFound, "")
	}
	b, err := get(q, scanBot, `SELECT `+botColumns+` FROM bots WHERE project_id = $1 AND ref = $2 AND ref <> '' ORDER BY id DESC LIMIT 1`, project, ref)
	if !errors.Is(err, lanyard.NotFound) {
		return b, err
	}
	return get(q, scanBot, `SELECT `+botColumns+` FROM bots WHERE project_id = $1 AND id IN
		(SELECT r.bot_id FROM bot_refs r WHERE r.project_id = $1 AND r.ref = $2) ORDER BY id DESC LIMIT 1`, project, ref)
}

// BotByDedupKey returns the bot of a project that has the key and is not over, or CodeNotFound.
func (q *Query) BotByDedupKey(project lanyard.ProjectID, key string) (lanyard.Bot, error) {
	if key == "" {
		return lanyard.Bot{}, lanyard.Errorf(lanyard.CodeNotFound, "")
	}
	return get(q, scanBot, `SELECT `+botColumns+` FROM bots WHERE project_id = $1 AND dedup_key = $2 AND dedup_key <> '' AND ended_at = 0`, project, key)
}

// Bots lists bots of a project, newest first.
func (q *Query) Bots(project lanyard.ProjectID, f lanyard.BotFilter, page lanyard.Page) ([]lanyard.Bot, string, error) {
	w := &where{}
	w.and("project_id = ", project)
	if len(f.States) > 0 {
		var in []string
		for _, s := range f.States {
			w.args = append(w.args, string(s))
			in = append(in, placeholder(len(w.args)))
		}
		w.text.WriteString(" AND state IN (" + strings.Join(in, ", ") + ")")
	}
	for _, name := range sortedKeys(f.Metadata) {
		w.args = append(w.args, name, f.Metadata[name])
		n := len(w.args)
		w.text.WriteString(" AND " + fmt.Sprintf(q.d.hasMember, "metadata", n-1, n))
	}
	for column, is := range map[string]string{"dedup_key": f.DedupKey, "dialect": string(f.Dialect), "provider": f.Provider} {
		if is != "" {
			w.and(column+" = ", is)
		}
	}
	if !f.From.IsZero() {
		w.and("join_at >= ", micros(f.From))
	}
	if !f.To.IsZero() {
		w.and("join_at < ", micros(f.To))
	}
	return pageOf(q, scanBot, func(b lanyard.Bot) string { return string(b.ID) },
		`SELECT `+botColumns+` FROM bots WHERE 1 = 1`, w, "id", descending, page)
}

// CountBotsOf counts the bots of a runner that are not over.
func (q *Query) CountBotsOf(project lanyard.ProjectID, runner lanyard.RunnerID) (int, error) {
	return q.count(`SELECT count(*) FROM bots WHERE project_id = $1 AND runner_id = $2 AND runner_id <> '' AND ended_at = 0`, project, runner)
}

// AddBot writes a new bot. One that has its dedup key and is not over makes it an *ExistsError.
func (tx *Tx) AddBot(b lanyard.Bot) error {
	return tx.add("bots", botColumns, []any{b.ID, b.Project, b.Provider, notNull(b.Meeting), b.Sealed, b.Dialect, b.Runner, b.Kind, b.Ref,
		asJSON(len(b.Candidates), b.Candidates), asJSON(1, b.Allow), dictText(b.Metadata), b.DedupKey, b.State, b.Reason, b.Used, b.Turn,
		asJSON(len(b.Tries), b.Tries), micros(b.JoinAt), b.Patience.Microseconds(), micros(b.GiveUpAt), micros(b.ToldAt), micros(b.NextAt),
		micros(b.LeaseUntil), micros(tx.stamp(b.CreatedAt)), micros(tx.stamp(b.UpdatedAt)), micros(b.EndedAt),
		b.Starts, micros(b.OutAt), micros(b.LeaveAt), micros(b.AskedAt), b.Stop, micros(b.JoinedAt)})
}

// LockBot returns one bot of a project, and keeps others from changing it until the
// transaction ends.
func (tx *Tx) LockBot(project lanyard.ProjectID, id lanyard.BotID) (lanyard.Bot, error) {
	return get(&tx.Query, scanBot, `UPDATE bots SET updated_at = updated_at WHERE id = $1 AND project_id = $2 RETURNING `+botColumns, id, project)
}

// PutBot writes everything of a bot that can change, and sets updated_at. It was locked
// in the same transaction.
func (tx *Tx) PutBot(b lanyard.Bot) error {
	return tx.must(`UPDATE bots SET provider = $3, meeting = $4, sealed = $5, ref = $6, metadata = $7, state = $8, reason = $9, used = $10,
		turn = $11, tries = $12, join_at = $13, give_up_at = $14, told_at = $15, next_at = $16, lease_until = $17, updated_at = $18, ended_at = $19,
		starts = $20, out_at = $21, leave_at = $22, asked_at = $23, stop = $24, joined_at = $25
		WHERE id = $1 AND project_id = $2`, b.ID, b.Project, b.Provider, notNull(b.Meeting), b.Sealed, b.Ref, dictText(b.Metadata), b.State,
		b.Reason, b.Used, b.Turn, asJSON(len(b.Tries), b.Tries), micros(b.JoinAt), micros(b.GiveUpAt), micros(b.ToldAt), micros(b.NextAt),
		micros(b.LeaseUntil), micros(tx.now), micros(b.EndedAt), b.Starts, micros(b.OutAt), micros(b.LeaveAt),
		micros(b.AskedAt), b.Stop, micros(b.JoinedAt))
}

// KeepBotRef notes what its runner called a bot until now, so that it is found by that, too.
func (tx *Tx) KeepBotRef(b lanyard.Bot) error {
	_, err := tx.exec(`INSERT INTO bot_refs (project_id, ref, bot_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, b.Project, b.Ref, b.ID)
	return err
}

// DeleteBot removes a bot with its time line and its endpoints, and ends its keys.
func (tx *Tx) DeleteBot(project lanyard.ProjectID, id lanyard.BotID) error {
	if err := tx.must(`DELETE FROM bots WHERE id = $1 AND project_id = $2`, id, project); err != nil {
		return err
	}
	return errors.Join(tx.deletePartsOf(id), tx.RevokeKeysOf(id))
}

// deletePartsOf removes what goes with a bot.
func (tx *Tx) deletePartsOf(id lanyard.BotID) error {
	for _, query := range []string{`DELETE FROM bot_steps WHERE bot_id = $1`, `DELETE FROM bot_refs WHERE bot_id = $1`} {
		if _, err := tx.exec(query, id); err != nil {
			return err
		}
	}
	return tx.deleteEndpointsOf(id)
}

// RevokeKeysOf ends the keys that are a bot's own.
func (tx *Tx) RevokeKeysOf(id lanyard.BotID) error {
	_, err := tx.exec(`UPDATE keys SET revoked_at = $2 WHERE bot_id = $1 AND bot_id <> '' AND revoked_at = 0`, id, micros(tx.now))
	return err
}

// ClaimBots leases up to limit bots for which there is something to do, the longest due
// first. Until then no other node does it; LeaseUntil is the token of the lease.
func (tx *Tx) ClaimBots(until time.Time, limit int) ([]lanyard.Bot, error) {
	bots, err := all(&tx.Query, scanBot, `UPDATE bots SET lease_until = $2
		WHERE next_at > 0 AND next_at <= $1 AND lease_until <= $1 AND id IN (SELECT b.id FROM bots b
			WHERE b.next_at > 0 AND b.next_at <= $1 AND b.lease_until <= $1 ORDER BY b.next_at LIMIT $3)
		RETURNING `+botColumns, micros(tx.now), micros(until), limit)
	slices.SortFunc(bots, func(a, b lanyard.Bot) int { return a.NextAt.Compare(b.NextAt) })
	return bots, err
}

// BotDue says whether there is something to do for a bot that nobody does.
func (q *Query) BotDue(now time.Time) (bool, error) {
	due, err := all(q, func(r row, id *string) error { return r.Scan(id) },
		`SELECT id FROM bots WHERE next_at > 0 AND next_at <= $1 AND lease_until <= $1 LIMIT 1`, micros(now))
	return len(due) > 0, err
}

// WakeBots has those bots looked at now that wait for somebody to come into a meeting.
func (tx *Tx) WakeBots(project lanyard.ProjectID, meeting []byte) error {
	_, err := tx.exec(`UPDATE bots SET next_at = $3 WHERE project_id = $1 AND meeting = $2 AND state = 'waiting_for_person' AND next_at > $3`,
		project, notNull(meeting), micros(tx.now))
	return err
}

// PurgeBots forgets up to limit bots that were over before a moment, and says how many; and
// as many keys that were bots' own and ended before it.
func (tx *Tx) PurgeBots(before time.Time, limit int) (int, error) {
	ids, err := all(&tx.Query, func(r row, id *lanyard.BotID) error { return r.Scan(id) }, `DELETE FROM bots WHERE id IN
		(SELECT b.id FROM bots b WHERE b.ended_at > 0 AND b.ended_at < $1 ORDER BY b.ended_at LIMIT $2) RETURNING id`, micros(before), limit)
	for _, id := range ids {
		if err := tx.deletePartsOf(id); err != nil {
			return 0, err
		}
	}
	if err == nil {
		_, err = tx.exec(`DELETE FROM keys WHERE id IN (SELECT k.id FROM keys k
			WHERE k.bot_id <> '' AND k.revoked_at > 0 AND k.revoked_at < $1 LIMIT $2)`, micros(before), limit)
	}
	return len(ids), err
}

const botStepColumns = `id, project_id, bot_id, at, state, connection_id, code, sdk, said_by`

// AddBotStep writes a line of a bot's time line, which keeps as many as are shown: whoever
// runs the bot can report without end.
func (tx *Tx) AddBotStep(s lanyard.BotStep) error {
	if err := tx.add("bot_steps", botStepColumns, []any{s.ID, s.Project, s.Bot, micros(tx.stamp(s.At)), s.State, s.Connection, s.Code, s.SDK, s.By}); err != nil {
		return err
	}
	_, err := tx.exec(`DELETE FROM bot_steps WHERE bot_id = $1 AND id <= (SELECT o.id FROM bot_steps o WHERE o.bot_id = $1
		ORDER BY o.id DESC LIMIT 1 OFFSET `+strconv.Itoa(lanyard.MostBotSteps)+`)`, s.Bot)
	return err
}

// BotSteps returns the time line of a bot, the latest 200 lines of it, oldest first.
func (q *Query) BotSteps(project lanyard.ProjectID, id lanyard.BotID) ([]lanyard.BotStep, error) {
	steps, err := all(q, scanBotStep, `SELECT `+botStepColumns+` FROM bot_steps WHERE bot_id = $1 AND project_id = $2 ORDER BY id DESC LIMIT `+strconv.Itoa(lanyard.MostBotSteps), id, project)
	slices.Reverse(steps)
	return steps, err
}

func scanBotStep(r row, s *lanyard.BotStep) error {
	return r.Scan(&s.ID, &s.Project, &s.Bot, asTime{&s.At}, &s.State, &s.Connection, &s.Code, &s.SDK, &s.By)
}

// BotStepsOf is BotSteps of several bots, of each the latest 200 lines, in order of time.
func (q *Query) BotStepsOf(project lanyard.ProjectID, bots []lanyard.BotID) ([]lanyard.BotStep, error) {
	if len(bots) == 0 {
		return nil, nil
	}
	w := &where{}
	w.and("project_id = ", project)
	in(w, "bot_id", bots)
	return all(q, scanBotStep, `SELECT `+botStepColumns+` FROM (SELECT `+botStepColumns+`, row_number() OVER (PARTITION BY bot_id ORDER BY id DESC) AS back
		FROM bot_steps WHERE 1 = 1`+w.text.String()+`) s WHERE back <= `+strconv.Itoa(lanyard.MostBotSteps)+` ORDER BY id`, w.args...)
}
