package proxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"lanyard"
)

const (
	// first is how much of an answer is waited for before its entry is written, and for
	// how long: most answers are whole by then, and their entry says how long they are.
	first     = 64 << 10
	firstTime = 20 * time.Millisecond
)

// piece is what came of an answer at once.
type piece struct {
	b   []byte
	err error // io.EOF with the last
}

// pass hands an answer on.
func (s *Service) pass(ctx context.Context, stop func(), w http.ResponseWriter, r *http.Request, c *call, resp *http.Response) {
	invalid := func(say string) error {
		return lanyard.Errorf(lanyard.CodeProviderAnswerInvalid, "%s", say)
	}
	m := newMask(c.token.Access)
	a, err := newAnswer(resp, m, c.limit)
	if err != nil {
		s.refuse(ctx, w, r, c, resp, invalid("the provider's answer is compressed in a way that was not asked for"))
		return
	}
	if resp.ContentLength > c.limit && r.Method != http.MethodHead {
		s.refuse(ctx, w, r, c, resp, lanyard.Errorf(lanyard.CodeProxyAnswerTooLarge, ""))
		return
	}
	pieces := make(chan piece)
	go pump(ctx, a, pieces)

	// What comes soon.
	var begin [][]byte
	var size int64
	var end error
	soon := time.NewTimer(firstTime)
	defer soon.Stop()
collect:
	for size < first && end == nil {
		select {
		case p := <-pieces:
			begin, size, end = append(begin, p.b), size+int64(len(p.b)), p.err
		case <-soon.C:
			break collect
		case <-ctx.Done():
			end = ctx.Err()
		}
	}
	if end != nil && !errors.Is(end, io.EOF) {
		switch {
		case errors.Is(end, errTooLarge):
			err = lanyard.Errorf(lanyard.CodeProxyAnswerTooLarge, "")
		case errors.Is(end, errEcho):
			err = invalid("the provider's answer has the token in it, and is compressed; ask for it with Accept-Encoding: identity")
		case errors.Is(end, context.DeadlineExceeded):
			err = lanyard.Errorf(lanyard.CodeProviderTimeout, "%s did not answer in time; whether it has done what was asked is not known", c.target.Name)
		default:
			err = invalid("the provider's answer broke off")
		}
		s.refuse(ctx, w, r, c, resp, err)
		return
	}
	whole := errors.Is(end, io.EOF)
	inward(w.Header(), resp.Header, m)
	if to := onward(m.text(resp.Header.Get("Location")), c.url, c.base, Prefix+string(c.connection)); to != "" {
		w.Header().Set("Location", to)
	}
	if length := resp.ContentLength; resp.StatusCode != http.StatusNoContent && resp.StatusCode != http.StatusNotModified {
		if whole && r.Method != http.MethodHead {
			length = size
		}
		if length >= 0 {
			w.Header().Set("Content-Length", strconv.FormatInt(length, 10))
		}
	}
	e := s.entry(c, resp)
	if whole {
		e.Detail["bytes"] = strconv.FormatInt(size, 10)
	}
	if m.hidden > 0 {
		e.Detail["token_hidden"] = strconv.Itoa(m.hidden)
	}
	if err := s.write(ctx, c, &e); err != nil {
		h := w.Header()
		clear(h) // nothing of the answer leaves
		h.Set("Cache-Control", "no-store")
		s.Front.WriteProblem(w, r, err)
		return
	}
	out := &writer{w: w, rc: http.NewResponseController(w), idle: s.Idle, flush: !whole && resp.ContentLength < 0}
	out.head(resp.StatusCode)
	for _, b := range begin {
		out.write(b)
	}
	if whole {
		return
	}
	end = s.rest(ctx, stop, out, pieces)
	s.ended(ctx, c, e, out, m, end)
	if !errors.Is(end, io.EOF) || out.err != nil {
		panic(http.ErrAbortHandler) // the caller must not take it for the whole
	}
}

// pump reads until the end, or until nobody takes it.
func pump(ctx context.Context, a *answer, to chan<- piece) {
	for {
		b, err := a.next()
		select {
		case to <- piece{b, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// rest passes on what comes later, and returns how it ended: io.EOF is well.
func (s *Service) rest(ctx context.Context, stop func(), out *writer, pieces <-chan piece) error {
	idle := time.NewTimer(s.Idle)
	defer idle.Stop()
	for {
		select {
		case p := <-pieces:
			if out.write(p.b); out.err != nil {
				stop()
				return out.err
			}
			if p.err != nil {
				return p.err
			}
			idle.Reset(s.Idle)
		case <-idle.C:
			stop()
			return context.DeadlineExceeded
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// writer writes an answer to the caller, who has to take each piece in time.
type writer struct {
	w     http.ResponseWriter
	rc    *http.ResponseController
	idle  time.Duration
	flush bool // what has come is let go at once
	bytes int64
	err   error
}

func (o *writer) head(status int) {
	_ = o.rc.SetWriteDeadline(time.Now().Add(o.idle)) // not every transport has deadlines
	o.w.WriteHeader(status)
	if o.flush {
		o.err = o.rc.Flush()
	}
}

func (o *writer) write(b []byte) {
	if o.err != nil || len(b) == 0 {
		return
	}
	_ = o.rc.SetWriteDeadline(time.Now().Add(o.idle))
	n, err := o.w.Write(b)
	o.bytes += int64(n)
	if err == nil && o.flush {
		err = o.rc.Flush()
	}
	o.err = err
}
