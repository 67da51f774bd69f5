package main

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"lanyard/internal/web"
)

// The ceiling's sealed token lies in the column of the previous tokens, which
// copies have no other use for: the same row, read by the same look-ups.
const ceilingQuery = `SELECT c.state, g.scopes, g.access_expires, g.previous
	FROM connections c JOIN grants g ON g.id = c.grant_id WHERE c.id = $1`

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// sealPlain seals a token for the ceiling: nonce and ciphertext.
func sealPlain(aead cipher.AEAD, connection, token string) []byte {
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails: it ends the program instead
	return aead.Seal(nonce, nonce, []byte(token), []byte(connection))
}

func (w *world) startCeiling(ctx context.Context) (*process, error) {
	return startChild(ctx, orders{Role: "ceiling", DatabaseURL: w.databaseURL, Log: filepath.Join(w.dir, "ceiling.log"), Bare: w.bare,
		SQLite: filepath.Join(w.dir, "data", "lanyard.db"), Key: w.plainKey})
}

// skeleton puts the handler where the product has its own: behind the front that
// gives a request its id, its caps, headers and line in the log. Bare, there is
// nothing but net/http.
func skeleton(o orders, pattern string, h http.Handler) (http.Handler, error) {
	if o.Bare {
		mux := http.NewServeMux()
		mux.Handle(pattern, h)
		return mux, nil
	}
	log, err := os.OpenFile(o.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	f, err := web.New(web.Config{PublicURL: "http://localhost", Access: nobody{}, Answers: nobody{},
		Logger: slog.New(slog.NewJSONHandler(log, nil))})
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	f.Handle(pattern, h)
	return f.Handler(), nil
}

// nobody is for a front that asks for no key.
type nobody struct {
	web.Access
	web.Answers
}

// openPlain opens the database as package store opens its readers.
func openPlain(o orders) (*sql.DB, error) {
	if o.DatabaseURL != "" {
		db, err := sql.Open("pgx", o.DatabaseURL)
		if err == nil {
			db.SetMaxOpenConns(16)
			db.SetMaxIdleConns(16)
		}
		return db, err
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(o.SQLite), RawQuery: "_query_only=1&_pragma=busy_timeout(10000)" +
		"&_pragma=journal_mode(WAL)&_pragma=cache_size(-8192)&_pragma=temp_store(MEMORY)"}
	db, err := sql.Open("sqlite", u.String())
	if err == nil {
		db.SetMaxOpenConns(4)
		db.SetMaxIdleConns(4)
	}
	return db, err
}

// plainToken is what the ceiling answers: the members of the product's answer
// that are not worked out.
type plainToken struct {
	ConnectionID string          `json:"connection_id"`
	AccessToken  string          `json:"access_token"`
	TokenType    string          `json:"token_type"`
	ExpiresAt    time.Time       `json:"expires_at"`
	Scopes       json.RawMessage `json:"scopes"`
}

// serveCeiling is what a plain Go server does at least to hand out a sealed token.
func serveCeiling(ctx context.Context, o orders) (r ready, wait func() error, err error) {
	db, err := openPlain(o)
	if err != nil {
		return r, nil, err
	}
	query, err := db.PrepareContext(ctx, ceilingQuery)
	if err != nil {
		return r, nil, err
	}
	aead, err := newAEAD(o.Key)
	if err != nil {
		return r, nil, err
	}
	read := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, err := readPlain(r.Context(), query, aead, r.PathValue("id"))
		if err != nil {
			http.Error(w, "no token", http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(t) // the client has gone
	})
	handler, err := skeleton(o, "POST /v1/connections/{id}/token", read)
	if err != nil {
		return r, nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "localhost:0")
	if err != nil {
		return r, nil, err
	}
	// As the product's.
	s := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	r.URL = "http://" + l.Addr().String()
	return r, func() error {
		err := s.Close()
		if served := <-done; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return errors.Join(err, query.Close(), db.Close())
	}, nil
}

func readPlain(ctx context.Context, query *sql.Stmt, aead cipher.AEAD, id string) (t plainToken, err error) {
	var state, scopes string
	var expires int64
	var sealed []byte
	if err := query.QueryRowContext(ctx, id).Scan(&state, &scopes, &expires, &sealed); err != nil {
		return t, err
	}
	if state != "live" || len(sealed) < aead.NonceSize() {
		return t, errors.New("not usable")
	}
	n := aead.NonceSize()
	token, err := aead.Open(nil, sealed[:n], sealed[n:], []byte(id))
	if err != nil {
		return t, err
	}
	return plainToken{id, string(token), "Bearer", time.UnixMicro(expires).UTC(), json.RawMessage(scopes)}, nil
}
