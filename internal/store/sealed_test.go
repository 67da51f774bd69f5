package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
	"lanyard/internal/vault"
)

func sealedOf(t *testing.T, db *store.DB, w world, limit int) []vault.SealedField {
	t.Helper()
	var out []vault.SealedField
	for after := ""; ; {
		some, err := db.SealedFields(t.Context(), w.project.ID, after, limit)
		must(t, err)
		out = append(out, some...)
		if len(some) < limit {
			return out
		}
		after = some[len(some)-1].Cursor
	}
}

func TestSealedFieldsAreAllOfThemWithTheirPlaces(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		other, w := newWorld(), newWorld()
		other.add(t, db)
		w.add(t, db)
		w.claim.Status, w.claim.Answer = 200, []byte("answer")
		done(t, db, func(tx *store.Tx) error { return tx.FinishIdempotency(w.claim) })
		p, ofProject, ofPerson := w.project.ID, vault.ProjectKey(w.project.ID), vault.PersonKey(w.project.ID, w.person.ID)
		place := func(row, field string) vault.Place { return vault.Place{Project: p, Row: row, Field: field} }
		tokens, previous := place(string(w.grant.ID), "grants.tokens"), place(string(w.grant.ID), "grants.previous")
		tokens.Family, tokens.Generation, tokens.App = "fam1", 7, w.app.ID
		previous.Family, previous.Generation, previous.App = "fam1", 6, w.app.ID
		want := []vault.SealedField{
			{Place: place(string(w.app.ID), "apps.next_secret"), Key: ofProject, Sealed: w.app.NextSecret},
			{Place: place(string(w.app.ID), "apps.next_webhook_secret"), Key: ofProject, Sealed: w.app.NextWebhookSecret},
			{Place: place(string(w.app.ID), "apps.secret"), Key: ofProject, Sealed: w.app.Secret},
			{Place: place(string(w.app.ID), "apps.webhook_secret"), Key: ofProject, Sealed: w.app.WebhookSecret},
			{Place: place(string(w.bot.ID), "bots.sealed"), Key: ofProject, Sealed: w.bot.Sealed},
			{Place: place(string(w.connection.ID), "connections.account"), Key: ofPerson, Sealed: w.connection.Account},
			{Place: place(string(w.consent.ID), "consents.sealed"), Key: ofPerson, Sealed: w.consent.Sealed},
			{Place: place(string(w.delivery.ID), "deliveries.answer"), Key: ofProject, Sealed: w.delivery.Answer},
			{Place: place(string(w.endpoint.ID), "endpoints.old_secret"), Key: ofProject, Sealed: w.endpoint.OldSecret},
			{Place: place(string(w.endpoint.ID), "endpoints.secret"), Key: ofProject, Sealed: w.endpoint.Secret},
			{Place: place(string(w.entry.ID), "entries.sealed"), Key: ofPerson, Sealed: w.entry.Sealed},
			{Place: place(string(w.flow.ID), "flows.parked"), Key: ofProject, Sealed: w.flow.Parked},
			{Place: place(string(w.flow.ID), "flows.sealed"), Key: ofProject, Sealed: w.flow.Sealed},
			{Place: previous, Key: ofProject, Sealed: w.grant.Previous},
			{Place: tokens, Key: ofProject, Sealed: w.grant.Tokens},
			{Place: place(w.claim.ID, "idempotency.answer"), Key: ofProject, Sealed: w.claim.Answer},
			{Place: place(string(w.person.ID), "persons.sealed"), Key: ofPerson, Sealed: w.person.Sealed},
			{Place: place(string(w.runner.ID), "runners.key"), Key: ofProject, Sealed: w.runner.Key},
			{Place: place(string(w.session.ID), "sessions.sealed"), Key: ofPerson, Sealed: w.session.Sealed},
			{Place: place(string(w.tokenURL.ID), "token_urls.sealed"), Key: ofProject, Sealed: w.tokenURL.Sealed},
		}
		for _, limit := range []int{1, 3, 11, 100} {
			got := sealedOf(t, db, w, limit)
			if !slices.IsSortedFunc(got, func(a, b vault.SealedField) int { return strings.Compare(a.Cursor, b.Cursor) }) {
				t.Error("the fields are not sorted by cursor")
			}
			for i := range got {
				got[i].Cursor = ""
			}
			if gotText, wantText := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); gotText != wantText {
				t.Errorf("by %d: got %s,\nwant %s", limit, gotText, wantText)
			}
		}
		n, err := db.CountSealed(t.Context(), p)
		must(t, err)
		same(t, "count", n, len(want))
	})
}

func TestReplaceSealedIsACompareAndSwap(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		other, w := newWorld(), newWorld()
		other.add(t, db)
		w.add(t, db)
		before := sealedOf(t, db, other, 100)
		for _, f := range sealedOf(t, db, w, 100) {
			replace := func(f vault.SealedField, want bool, what string) {
				t.Helper()
				got, err := db.ReplaceSealed(t.Context(), f, []byte("new "+f.Cursor))
				must(t, err)
				if got != want {
					t.Errorf("%s, %s: got %v, want %v", f.Place.Field, what, got, want)
				}
			}
			foreign, moved := f, f
			foreign.Place.Project = other.project.ID
			replace(foreign, false, "another project's")
			if f.Place.Family != "" {
				moved.Place.Generation++
				replace(moved, false, "renewed meanwhile")
				moved = f
				moved.Place.Family = "fam2"
				replace(moved, false, "another family")
			}
			replace(f, true, "ours")
			replace(f, false, "changed meanwhile")
		}
		for _, f := range sealedOf(t, db, w, 100) {
			if string(f.Sealed) != "new "+f.Cursor {
				t.Errorf("%s: got %q, want the new bytes", f.Place.Field, f.Sealed)
			}
		}
		same(t, "the other project's", fmt.Sprint(sealedOf(t, db, other, 100)), fmt.Sprint(before))
		if _, err := db.ReplaceSealed(t.Context(), vault.SealedField{Place: vault.Place{Field: "keys.mac"}}, nil); err == nil {
			t.Error("a column that is not sealed: got no error")
		}
	})
}

// Every blob of the schema is either sealed, and goes through a rotation, or
// named here with what else it is. A new one that is forgotten would be lost
// when its key is destroyed.
func TestEveryBlobIsAccountedFor(t *testing.T) {
	cfg := storetest.SQLite(t)
	db, err := store.Open(t.Context(), cfg)
	must(t, err)
	defer db.Close()
	w := newWorld()
	w.add(t, db)
	w.claim.Status, w.claim.Answer = 200, []byte("answer")
	done(t, db, func(tx *store.Tx) error { return tx.FinishIdempotency(w.claim) })
	known := []string{"keysets.sealed", "keys.mac", "apps.client_hash", "apps.custom", "persons.ref_hash", "sessions.link_hash",
		"flows.state_hash", "flows.cookie_hash", "flows.code_hash", "flows.completion_hash", "grants.subject_hash", "grants.account_hash", "grants.organization_hash", "entries.leaf_hash",
		"idempotency.key_hash", "idempotency.body_hash", "revocations.subject_hash",
		"revocations.tokens", // gone within 26 hours; a key that was replaced stays for 48
		"bots.meeting", "attendances.account", "attendances.meeting", "attendances.participant", "attendances.run", "listings.account",
		"mail_copies.recipient", "meetings.host", "meetings.meeting", "meetings.run", // keyed hashes
		"notices.digest", "portals.link_hash", "portals.cookie_hash", "token_urls.secret_hash"}
	for _, f := range sealedOf(t, db, w, 100) {
		known = append(known, f.Place.Field)
	}
	second := secondConnection(t, cfg)
	defer second.Close()
	blobs := lines(t, second, `SELECT m.name || '.' || c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' AND c.type = 'BLOB' ORDER BY 1`)
	slices.Sort(known)
	same(t, "blobs", blobs, known)
}

func TestKeysets(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		put := func(ks vault.SealedKeyset, replaces int64, want bool) {
			t.Helper()
			got, err := db.PutKeyset(t.Context(), ks, replaces)
			must(t, err)
			if got != want {
				t.Errorf("%s %q replaces %d: got %v, want %v", ks.Level, ks.Owner, replaces, got, want)
			}
		}
		root := keyset("root", "")
		put(root, 1, false)
		put(root, 0, true)
		put(root, 0, false)
		second := root
		second.Version, second.Sealed, second.WrappedBy = 2, []byte("two"), "ffffffff"
		put(second, 2, false)
		put(second, 1, true)
		put(second, 1, false)
		got, err := db.Keyset(t.Context(), "root", "")
		must(t, err)
		got.UpdatedAt = second.UpdatedAt
		same(t, "root", got, second)

		list := func(level vault.Level, after string, limit int) (owners []string) {
			all, err := db.ListKeysets(t.Context(), level, after, limit)
			must(t, err)
			for _, ks := range all {
				owners = append(owners, ks.Owner)
			}
			return owners
		}
		p := string(w.project.ID)
		put(keyset("project", "prj_zzz"), 0, true)
		same(t, "root", list("root", "", 10), []string{""})
		same(t, "root, after", list("root", "x", 10), nil)
		same(t, "project", list("project", "", 10), []string{p, "prj_zzz"})
		same(t, "project, one", list("project", "", 1), []string{p})
		same(t, "project, after", list("project", p, 10), []string{"prj_zzz"})
		same(t, "person", list("person", p+"/", 10), []string{p + "/" + string(w.person.ID)})
	})
}
