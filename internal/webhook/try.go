package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2" //nolint:depguard // spreads out tries; nobody gains by guessing them
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/egress"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

const (
	tryFor    = 20 * time.Second
	failedFor = 48 * time.Hour // without a single success, and a delivery is given up: the endpoint is disabled
	mostWait  = 24 * time.Hour // that a Retry-After is given
	laterFor  = time.Minute    // when the reason is ours
	mostRead  = 4 << 10        // bytes of an answer
)

// waits are the times between the tries of a delivery; after the last it is given up.
var waits = []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour,
	14 * time.Hour, 20 * time.Hour, 24 * time.Hour}

// answer is what became of a try.
type answer struct {
	status     int
	fault      string // why there was no answer
	retryAfter time.Duration
	took       time.Duration
	body       []byte
}

func (a answer) ok() bool { return a.status >= 200 && a.status < 300 }

// try sends a claimed delivery and writes what became of it.
func (s *Service) try(ctx context.Context, e lanyard.Endpoint, d lanyard.Delivery) {
	leased := d.TryAt
	m, err := s.message(ctx, e, d)
	var a answer
	if err == nil {
		a = s.send(ctx, e.URL, m)
	}
	keep := context.WithoutCancel(ctx)
	switch {
	case ctx.Err() != nil && !a.ok(): // the process stops: somebody else may go on at once
		err = s.giveBack(keep, d, leased, 0)
	case errors.Is(err, lanyard.CodeTampered): // each try would raise another alarm, which is an event, too
		err = s.Store.Update(keep, func(tx *store.Tx) (lanyard.Entry, error) { return s.disable(tx, e, lanyard.CodeTampered) })
	case err != nil: // nothing was sent, and the reason is ours
		s.Logger.LogAttrs(ctx, slog.LevelError, "a webhook could not be made; it is tried again", slog.String("delivery", string(d.ID)), slog.String("error", err.Error()))
		err = s.giveBack(keep, d, leased, laterFor)
	default:
		err = s.end(keep, e, d, leased, a, m.secrets)
	}
	if err != nil { // it goes out again, under the same id
		s.Logger.LogAttrs(ctx, slog.LevelError, "what became of a webhook could not be written", slog.String("delivery", string(d.ID)), slog.String("error", err.Error()))
	}
}

// send posts a message, once. Nothing is followed.
func (s *Service) send(ctx context.Context, url string, m message) (a answer) {
	ctx, stop := context.WithTimeout(ctx, tryFor)
	defer stop()
	began := time.Now()
	defer func() { a.took = time.Since(began) }()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(m.body))
	if err != nil {
		return answer{fault: "not_a_url"}
	}
	r.Header = m.header
	resp, err := s.Out.HTTPClient().Do(r)
	if err != nil {
		return answer{fault: faultOf(err)}
	}
	defer resp.Body.Close()
	a.status = resp.StatusCode
	a.retryAfter = retryAfter(resp.Header, time.Now())
	a.body, _ = io.ReadAll(io.LimitReader(resp.Body, mostRead)) // what came of it is enough: the status has decided
	return a
}

// faultOf names why there was no answer, without repeating addresses.
func faultOf(err error) string {
	var name *net.DNSError
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var op *net.OpError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, egress.ErrRefused):
		return "address_not_allowed"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.As(err, &name):
		return "name_not_found"
	case errors.As(err, &cert), errors.As(err, &record), errors.As(err, &alert), errors.Is(err, http.ErrSchemeMismatch): // it speaks plain http
		return "tls"
	case errors.As(err, &op) && op.Op == "dial":
		return "not_reachable"
	}
	return "connection_lost"
}

// retryAfter reads Retry-After: seconds or a date (RFC 9110 §10.2.3); 0: not said.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseInt(v, 10, 64); err == nil && n >= 0 {
		return time.Duration(min(n, int64(mostWait/time.Second))) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		return min(max(t.Sub(now), 0), mostWait)
	}
	return 0
}

// next is when a delivery is tried again after so many tries; false: not again.
func next(tries int64, asked time.Duration) (time.Duration, bool) {
	if tries > int64(len(waits)) {
		return 0, false
	}
	wait := waits[max(tries, 1)-1]
	wait += time.Duration(float64(wait) * 0.2 * rand.Float64()) //nolint:gosec // as above
	return max(wait, asked), true
}

// end writes the outcome of a try, and what it says of the endpoint.
func (s *Service) end(ctx context.Context, e lanyard.Endpoint, d lanyard.Delivery, leased time.Time, a answer, secrets []string) (err error) {
	d.Status, d.Error, d.Took, d.Answer = int64(a.status), a.fault, a.took, nil
	if text := excerpt(a.body, secrets); text != "" {
		if d.Answer, err = s.Vault.Seal(ctx, vault.ProjectKey(d.Project), answerPlace(d), lanyard.NewSecret(text)); err != nil {
			return fmt.Errorf("seal the answer: %w", err)
		}
	}
	wait, again := next(d.Tries, a.retryAfter)
	return s.Store.Update(ctx, func(tx *store.Tx) (_ lanyard.Entry, err error) {
		d.TryAt = time.Time{}
		switch {
		case a.ok():
			d.State = lanyard.DeliveryDelivered
		case a.status == http.StatusGone || !again:
			d.State = lanyard.DeliveryFailed
		default:
			d.State, d.TryAt = lanyard.DeliveryPending, tx.Now().Add(s.scaled(wait))
		}
		// The endpoint first, as whoever disables it does: two that wait for each other's row would be stopped.
		if err := s.note(tx, e, a); err != nil {
			return lanyard.Entry{}, err
		}
		if _, err := tx.EndTry(d, leased); err != nil || a.ok() {
			return lanyard.Entry{}, err
		}
		reason := lanyard.CodeWebhookGone
		if a.status != http.StatusGone {
			if again {
				return lanyard.Entry{}, nil
			}
			now, err := tx.Endpoint(e.Project, e.ID)
			if err != nil || tx.Now().Sub(now.FailingSince) < s.scaled(failedFor) {
				return lanyard.Entry{}, err
			}
			reason = lanyard.CodeWebhookFailing
		}
		return s.disable(tx, e, reason)
	})
}

// note writes what a try says of its endpoint.
func (s *Service) note(tx *store.Tx, e lanyard.Endpoint, a answer) error {
	switch {
	case a.ok() && e.FailingSince.IsZero():
		return nil
	case a.ok():
		return tx.EndpointWorked(e.ID)
	case a.retryAfter > 0:
		return tx.EndpointFailed(e.ID, tx.Now().Add(s.scaled(a.retryAfter)))
	}
	return tx.EndpointFailed(e.ID, time.Time{})
}

// disable stops an endpoint that is gone or has failed for days, with an entry and an
// event, which the project's other endpoints are told of.
func (s *Service) disable(tx *store.Tx, e lanyard.Endpoint, reason lanyard.Code) (lanyard.Entry, error) {
	done, err := tx.DisableEndpoint(e.ID, reason)
	if err != nil || !done {
		return lanyard.Entry{}, err
	}
	entry := lanyard.NewEntry(lanyard.Principal{Project: e.Project, Name: "lanyard"}, lanyard.ActEndpointDisabled)
	entry.Outcome, entry.Code = "failed", reason
	entry.Detail = map[string]string{"endpoint": string(e.ID), "host": host(e.URL)}
	return entry, tx.AddEvent(lanyard.Event{Project: e.Project, Type: lanyard.EventEndpointDisabled,
		Data: map[string]string{"endpoint_id": string(e.ID), "reason": string(reason)}})
}

// giveBack ends a lease without an outcome: the try does not count.
func (s *Service) giveBack(ctx context.Context, d lanyard.Delivery, leased time.Time, after time.Duration) error {
	d.Tries--
	return s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
		d.TryAt = tx.Now().Add(after)
		_, err := tx.EndTry(d, leased)
		return err
	})
}

func answerPlace(d lanyard.Delivery) vault.Place {
	return vault.Place{Project: d.Project, Row: string(d.ID), Field: "deliveries.answer"}
}
