package main

import (
	"context"
	"crypto/cipher"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2" //nolint:depguard // an order of work; nobody gains by guessing it
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lanyard"
)

// plainRenewer does, for one renewal, the HTTP call and the durable writes that
// docs/threats.md demands around it, and nothing else.
type plainRenewer struct {
	orders
	client *http.Client
	aead   cipher.AEAD
	spool  *plainSpool
	store  plainStore
	grants []plainGrant
	next   atomic.Int64
	failed atomic.Pointer[error]
}

// plainGrant is what the loop has in memory of a grant.
type plainGrant struct {
	id, project, app, family string
	number                   int
	generation               int64
	tokens                   []byte
}

// serveRenewals renews with as many at once as it was told, until ctx ends.
func serveRenewals(ctx context.Context, o orders) (r ready, wait func() error, err error) {
	if o.DatabaseURL == "" && os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 2) // as the product does it
	}
	p := &plainRenewer{orders: o, client: &http.Client{Transport: &http.Transport{DisableKeepAlives: o.FreshCalls, MaxIdleConnsPerHost: o.Flight, DisableCompression: true}}}
	if p.aead, err = newAEAD(o.Key); err != nil {
		return r, nil, err
	}
	if p.spool, err = openPlainSpool(filepath.Join(o.Dir, "ceiling.spool")); err != nil {
		return r, nil, err
	}
	if err := p.load(ctx); err != nil {
		return r, nil, err
	}
	if p.store, err = openPlainStore(ctx, o); err != nil {
		return r, nil, err
	}
	var all sync.WaitGroup
	for range o.Flight {
		all.Go(func() {
			for ctx.Err() == nil && p.failed.Load() == nil {
				g := &p.grants[int(p.next.Add(1)-1)%len(p.grants)]
				if err := p.renew(context.WithoutCancel(ctx), g); err != nil {
					p.failed.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	return r, func() error {
		all.Wait()
		err := errors.Join(p.store.close(), p.spool.close())
		if failed := p.failed.Load(); failed != nil {
			err = errors.Join(err, *failed)
		}
		return err
	}, nil
}

// load reads which grants there are, and puts them in no order.
func (p *plainRenewer) load(ctx context.Context) (err error) {
	db, err := openWritable(p.DatabaseURL, p.SQLite)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.QueryContext(ctx, `SELECT id, project_id, app_id, family, generation, tokens, subject_hash FROM grants WHERE app_id = $1 AND id <> $2`, p.App, p.Besides)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var g plainGrant
		var subject []byte
		if err := rows.Scan(&g.id, &g.project, &g.app, &g.family, &g.generation, &g.tokens, &subject); err != nil {
			return err
		}
		g.number = int(binary.BigEndian.Uint64(subject[24:]))
		p.grants = append(p.grants, g)
	}
	rand.Shuffle(len(p.grants), func(i, j int) { p.grants[i], p.grants[j] = p.grants[j], p.grants[i] }) //nolint:gosec // as above
	return rows.Err()
}

// renew is one renewal.
func (p *plainRenewer) renew(ctx context.Context, g *plainGrant) error {
	attempt := lanyard.NewID[lanyard.AttemptID]("att_")
	now := time.Now()
	err := p.store.intent(ctx, []any{string(attempt), g.project, g.app, g.id, "", "refresh", g.family, g.generation, "nod_bench",
		now.UnixMicro(), now.Add(20 * time.Second).UnixMicro(), int64(0), "", "strict", "", int64(0), ""})
	if err != nil {
		return fmt.Errorf("intent: %w", err)
	}
	body, err := p.call(ctx, g)
	if err != nil {
		return fmt.Errorf("call: %w", err)
	}
	head := binary.LittleEndian.AppendUint64([]byte(string(attempt)+g.id), uint64(g.generation))
	receipt := seal(p.aead, body, head)
	if err := p.spool.keep(append(head, receipt...)); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	var answer struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Expires int64  `json:"expires_in"`
		Scope   string `json:"scope"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return err
	}
	scopes, err := json.Marshal(strings.Fields(answer.Scope))
	if err != nil {
		return err
	}
	at := fmt.Sprintf("grants.tokens/%s/%s/%d", g.id, g.family, g.generation+1)
	tokens := seal(p.aead, []byte(answer.Access+" "+answer.Refresh), []byte(at))
	now = time.Now()
	expires := now.Add(time.Duration(answer.Expires) * time.Second).UnixMicro()
	entry := lanyard.NewID[lanyard.EntryID]("aud_")
	ok, err := p.store.commit(ctx, plainCommit{
		grant: []any{g.id, g.project, g.family, g.generation, g.family, g.generation + 1, tokens, g.tokens, string(scopes), string(scopes),
			expires, int64(1), "healthy", "", expires - 100e6, now.UnixMicro(), int64(0), int64(0), now.UnixMicro(), expires - 100e6, int64(2), int64(0), int64(0)},
		attempt: []any{string(attempt), g.project, g.id, now.UnixMicro(), "ok", "strict", "", int64(200), ""},
		entry: []any{string(entry), g.project, now.UnixMicro(), "lanyard:refresh", "token.refreshed", "ok", "", g.app, "", g.id, "", "", "",
			`{"attempt":"` + string(attempt) + `","outcome":"ok"}`, nil, ""},
	})
	if err == nil && !ok {
		err = errors.New("somebody else has renewed it")
	}
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	g.generation, g.tokens = g.generation+1, tokens
	return nil
}

func seal(aead cipher.AEAD, plain, at []byte) []byte {
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	fillRandom(nonce)
	return aead.Seal(nonce, nonce, plain, at)
}

func (p *plainRenewer) call(ctx context.Context, g *plainGrant) ([]byte, error) {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken(g.number, g.generation)}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("bench", "secret")
	resp, err := p.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", resp.StatusCode)
	}
	return body, err
}

// openWritable opens a database for writing: SQLite as package store does.
func openWritable(address, path string) (*sql.DB, error) {
	if address != "" {
		return sql.Open("pgx", address)
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: "_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)" +
		"&_pragma=synchronous(FULL)&_pragma=wal_autocheckpoint(0)&_pragma=cache_size(-8192)&_pragma=temp_store(MEMORY)"}
	db, err := sql.Open("sqlite", u.String())
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}
