package proxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"lanyard"
	"lanyard/internal/connection"
	"lanyard/internal/store"
)

// entry is what the log has of a call: method, path without query, and what the provider
// said. resp is nil where it was not asked, or did not answer.
func (s *Service) entry(c *call, resp *http.Response) lanyard.Entry {
	e := connection.About(lanyard.NewEntry(c.p, lanyard.ActProxyCalled), c.connected)
	if e.Connection == "" && lanyard.ValidID("con_", string(c.connection)) {
		e.Detail["asked"] = string(c.connection) // another project's, or nobody's
	}
	e.Detail["method"] = c.method
	if c.readings != nil { // a path that was refused may be anything
		e.Detail["path"] = forLog(c.path)
	}
	if c.base != nil && c.host != "" {
		e.Detail["host"] = c.base.Host
	}
	if c.body != nil {
		e.Detail["sent"] = strconv.FormatInt(c.body.sent.Load(), 10)
	}
	if c.twice {
		e.Detail["renewed"] = "true"
	}
	if resp != nil {
		e.Detail["status"] = strconv.Itoa(resp.StatusCode)
	}
	return e
}

// write makes an entry durable, whether or not the caller still waits: the provider has
// been asked.
func (s *Service) write(ctx context.Context, c *call, e *lanyard.Entry) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer stop()
	sealed, err := s.Connections.Entry(ctx, c.p, e.What)
	if err != nil {
		return err
	}
	e.ID, e.Sealed = sealed.ID, sealed.Sealed
	return s.Store.Read(ctx, func(*store.Query) (lanyard.Entry, error) { return *e, nil })
}

// refuse answers with err, once that is on the log.
func (s *Service) refuse(ctx context.Context, w http.ResponseWriter, r *http.Request, c *call, resp *http.Response, err error) {
	e := s.entry(c, resp).Failed(err)
	if r.Context().Err() != nil {
		e.Detail["why"] = "caller_left"
	}
	if failed := s.write(ctx, c, &e); failed != nil {
		err = failed
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.Idle)) // a long upload has used up the server's own
	s.Front.WriteProblem(w, r, err)
}

// ended notes how an answer ended whose beginning is on the log already. It has left, so
// that this cannot be written is no reason to take it back: first has its status.
func (s *Service) ended(ctx context.Context, c *call, first lanyard.Entry, out *writer, m *mask, end error) {
	e := connection.About(lanyard.NewEntry(c.p, lanyard.ActProxyEnded), c.connected)
	e.Detail["call"] = string(first.ID)
	e.Detail["bytes"] = strconv.FormatInt(out.bytes, 10)
	e.Detail["sent"] = strconv.FormatInt(c.body.sent.Load(), 10)
	if m.hidden > 0 {
		e.Detail["token_hidden"] = strconv.Itoa(m.hidden)
	}
	if !errors.Is(end, io.EOF) || out.err != nil {
		e.Outcome, e.Detail["why"] = "failed", why(ctx, out, end)
	}
	if err := s.write(ctx, c, &e); err != nil {
		s.Logger.Error("how an answer of a provider ended could not be put on the log", "request_id", c.p.RequestID, "error", err.Error())
	}
}

// why an answer did not come to its end, in a word.
func why(ctx context.Context, out *writer, end error) string {
	switch {
	case errors.Is(end, errTooLarge):
		return "too_large"
	case errors.Is(end, errEcho):
		return "token_in_answer"
	case out.err != nil, errors.Is(ctx.Err(), context.Canceled):
		return "caller_left"
	case errors.Is(end, context.DeadlineExceeded):
		return "too_slow"
	}
	return "provider_broke_off"
}
