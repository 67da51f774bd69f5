package client

import (
	"context"
	"time"

	"lanyard/wire"
)

// EntryFilter narrows the audit log; empty fields do not.
type EntryFilter struct {
	ConnectionID, SessionID, What, Who, Outcome string
	Since, Until                                time.Time
}

// ListAuditEntries reads the log, newest first.
func (c *Client) ListAuditEntries(ctx context.Context, f EntryFilter, page Page) (*wire.List[wire.AuditEntry], error) {
	q := page.query()
	for name, v := range map[string]string{"connection_id": f.ConnectionID, "session_id": f.SessionID, "what": f.What, "who": f.Who, "outcome": f.Outcome} {
		if v != "" {
			q.Set(name, v)
		}
	}
	for name, v := range map[string]time.Time{"since": f.Since, "until": f.Until} {
		if !v.IsZero() {
			q.Set(name, v.UTC().Format(time.RFC3339Nano))
		}
	}
	return get[wire.List[wire.AuditEntry]](c, ctx, "/v1/audit/entries", q)
}

// ListEvents reads events, newest first; typ "" means all.
func (c *Client) ListEvents(ctx context.Context, typ string, page Page) (*wire.List[wire.Event], error) {
	q := page.query()
	if typ != "" {
		q.Set("type", typ)
	}
	return get[wire.List[wire.Event]](c, ctx, "/v1/events", q)
}
