package main

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// callee is a provider's API that answers the same after a while.
type callee struct {
	server *http.Server
	url    string
	delay  atomic.Int64 // nanoseconds
}

// startCallee starts one. A call without a token, or that is not right, is refused.
func startCallee(ctx context.Context, answer []byte, right func(*http.Request) bool) (*callee, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &callee{url: "http://" + l.Addr().String()}
	c.server = &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Duration(c.delay.Load()))
		if r.Header.Get("Authorization") == "" || !right(r) {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer) // the client has gone
	})}
	go func() { _ = c.server.Serve(l) }() // ends by Close
	return c, nil
}
