package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// renewProvider is a token endpoint and nothing else. Every renewal ends the
// refresh token that was sent and brings the next, as at a strict provider; it
// knows of each grant only how often it was renewed.
type renewProvider struct {
	url      string
	delay    atomic.Int64 // nanoseconds before an answer
	grants   []atomic.Int64
	answered atomic.Int64
	refused  atomic.Int64 // of a refresh token that is not the newest, or none
	server   *http.Server
}

const (
	refreshLen = 200 // of a refresh token
	accessLen  = 600 // of an access token
)

func startRenewProvider(ctx context.Context, grants int) (*renewProvider, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &renewProvider{url: "http://" + l.Addr().String() + "/token", grants: make([]atomic.Int64, grants)}
	for i := range p.grants {
		p.grants[i].Store(firstGeneration)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", p.token)
	p.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = p.server.Serve(l) }() // ends by close
	return p, nil
}

func (p *renewProvider) close() error { return p.server.Close() }

func (p *renewProvider) token(w http.ResponseWriter, r *http.Request) {
	_, _, known := r.BasicAuth()
	i, generation, ok := refreshOf(r.PostFormValue("refresh_token"))
	w.Header().Set("Content-Type", "application/json")
	if !known || !ok || i >= len(p.grants) || !p.grants[i].CompareAndSwap(generation, generation+1) {
		p.refused.Add(1)
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant"}`)) // the client has gone
		return
	}
	time.Sleep(time.Duration(p.delay.Load()))
	_, err := w.Write([]byte(`{"access_token":"` + token("bench_access", i, generation+1, accessLen) + `","token_type":"bearer","expires_in":3600,"refresh_token":"` +
		refreshToken(i, generation+1) + `","scope":"` + zoomScopes + `"}`))
	if err == nil {
		p.answered.Add(1)
	}
}

// refreshToken is that of a grant and generation.
func refreshToken(grant int, generation int64) string {
	return token("bench_refresh", grant, generation, refreshLen)
}

// token is a text of this length with the two numbers in it.
func token(kind string, grant int, generation int64, length int) string {
	s := kind + "." + strconv.Itoa(grant) + "." + strconv.FormatInt(generation, 10) + "."
	return s + strings.Repeat("x", max(0, length-len(s)))
}

// refreshOf reads them again.
func refreshOf(token string) (grant int, generation int64, ok bool) {
	parts := strings.SplitN(token, ".", 4)
	if len(parts) != 4 || parts[0] != "bench_refresh" {
		return 0, 0, false
	}
	grant, err := strconv.Atoi(parts[1])
	generation, err2 := strconv.ParseInt(parts[2], 10, 64)
	return grant, generation, errors.Join(err, err2) == nil && grant >= 0
}
