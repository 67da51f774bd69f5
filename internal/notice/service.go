package notice

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/connection"
	"lanyard/internal/meeting"
	"lanyard/internal/provider"
	"lanyard/internal/store"
	"lanyard/internal/vault"
	"lanyard/internal/web"
	"lanyard/internal/worker"
)

// Config is what a Service needs; every field is required.
type Config struct {
	Store       *store.DB
	Vault       *vault.Vault
	Providers   *provider.Set
	Apps        *app.Service
	Connections *connection.Service
	Meetings    *meeting.Service
	Front       *web.Front
	Dir         string // for what waits; made if it is not there
	Logger      *slog.Logger
}

// Service takes notices and acts on them. It is safe for concurrent use.
type Service struct {
	Config
	book  *book
	queue *queue
	decoy lanyard.Secret // what a notice for no app is compared with
	told  *web.Buckets   // lines of the log about notices that were refused, by app
	down  bool           // the database was away when act last looked
}

// New reads every webhook secret, and takes up what an earlier run has left on disk.
func New(ctx context.Context, c Config) (*Service, error) {
	s := &Service{Config: c, book: newBook(c), decoy: lanyard.NewSecret(lanyard.Random(32)), told: web.NewBuckets(1, time.Minute)}
	var err error
	if s.queue, err = openQueue(c.Dir); err != nil {
		return nil, fmt.Errorf("open the queue of notices: %w", err)
	}
	return s, s.book.refresh(ctx)
}

// Mount registers the door.
func (s *Service) Mount() { s.Front.Handle("POST /hooks/{provider}/{app}", http.HandlerFunc(s.serve)) }

// Tasks keep the secrets fresh, and act on what waits. They go by true time.
func (s *Service) Tasks() []worker.Task {
	return []worker.Task{{Name: "notice.book", Every: compare, Run: s.book.refresh},
		{Name: "notice.act", Every: time.Millisecond, Run: s.act}}
}

// Waiting is how many notices this node has taken and not acted on yet.
func (s *Service) Waiting() int { return len(s.queue.names()) }

// again is how soon what could not be acted on is tried again.
const again = 2 * time.Second

// act waits until something has come, or might go better than before, and acts on all
// that waits, oldest first. What fails does not hold up the others, but for a database
// that is away.
func (s *Service) act(ctx context.Context) error {
	pause := time.NewTimer(again)
	defer pause.Stop()
	select {
	case <-ctx.Done():
		return nil
	case <-s.queue.kick:
	case <-pause.C:
	}
	var failed []error
	for _, name := range s.queue.names() {
		err := s.one(ctx, name)
		away := errors.Is(err, lanyard.Unavailable) || ctx.Err() != nil
		if away && !s.down && ctx.Err() == nil {
			s.Logger.Warn("notices of providers wait on disk until the database is back", "waiting", s.Waiting(), "code", lanyard.CodeOf(err))
		}
		if s.down = away; away {
			return nil
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("notice %s: %w", name, err))
		}
	}
	return errors.Join(failed...)
}

// one acts on one notice. It goes when the database has what came of it; one that
// cannot be read, now or ever, is set aside.
func (s *Service) one(ctx context.Context, name string) error {
	ctx, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	r, err := s.queue.read(name)
	if err != nil {
		return s.aside(name, err)
	}
	t, ok := s.teller(r.Provider)
	if !ok {
		return lanyard.Errorf(lanyard.CodeUnknownProvider, "")
	}
	body, err := s.Vault.Open(ctx, vault.ProjectKey(r.Project), at(r, name), r.Sealed)
	if errors.Is(err, lanyard.CodeTampered) || errors.Is(err, vault.ErrNoKeyset) {
		return s.aside(name, err)
	}
	if err != nil {
		return err
	}
	told, err := t.read(body.Reveal())
	if err != nil {
		return s.aside(name, err)
	}
	for i, n := range told {
		if n.At.IsZero() || n.At.After(r.ReceivedAt) { // it cannot tell of what came later
			n.At = r.ReceivedAt
		}
		if n.Effect == provider.NoticeMeeting {
			err = s.Meetings.Told(ctx, r.App, n)
		} else {
			err = s.Connections.Told(ctx, r.App, s.digest(r, body, n, i), n)
		}
		if err != nil {
			return err
		}
	}
	return s.queue.drop(name)
}

// digest stands for a notice, whichever node it comes to: by the provider's id where
// there is one, for the same may be signed twice, or else by its bytes; and by which of
// several in one body it is.
func (s *Service) digest(r record, body lanyard.Secret, n provider.Notice, i int) []byte {
	parts := []string{string(r.App), string(body.Reveal())}
	if n.ID != "" {
		parts = []string{string(r.App), "id", n.ID, n.Event, n.Subject}
	} else if i > 0 {
		parts = append(parts, strconv.Itoa(i))
	}
	return s.Vault.Digest(r.Project, "notice", parts...)
}

func (s *Service) aside(name string, why error) error {
	s.Logger.Error("a notice on disk cannot be read, and is set aside", "file", name+badExt, "code", lanyard.CodeOf(why))
	return s.queue.setAside(name)
}

func at(r record, name string) vault.Place {
	return vault.Place{Project: r.Project, Row: name, Field: "notices.body"}
}
