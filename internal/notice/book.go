package notice

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/provider"
	"lanyard/internal/store"
	"lanyard/internal/vault"
	"lanyard/internal/web"
)

const (
	compare = 10 * time.Second // a secret that was withdrawn is believed for so long at most, while the database answers
	patient = time.Second      // that the database has to say whether an app is new
	keyLife = 24 * time.Hour   // a sealing key that was not compared with the stored one for so long may be gone
)

// book is what this process knows of apps without asking anybody.
type book struct {
	store *store.DB
	vault *vault.Vault
	apps  *app.Service
	log   *slog.Logger

	asking    singleflight.Group
	each, all *web.Buckets // questions because of notices that are not believed, of one app and of all

	mu    sync.RWMutex
	known map[lanyard.AppID]known
}

// known is what it knows of one app. The zero value is no app.
type known struct {
	lanyard.App
	secrets []lanyard.Secret // the webhook secret, and the next one during a rotation; without what does not open
	target  *provider.Target // nil: it does not resolve
	sealer  vault.Sealer
	at      time.Time // when the database said so
}

func newBook(c Config) *book {
	return &book{store: c.Store, vault: c.Vault, apps: c.Apps, log: c.Logger, known: map[lanyard.AppID]known{},
		each: web.NewBuckets(1, time.Second), all: web.NewBuckets(20, time.Second)}
}

func (b *book) get(id lanyard.AppID) known {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.known[id]
}

// ask has the database say what it knows of an app that is new to this node, or has
// another secret; many callers, one question. Who makes up notices must not be able to
// keep it busy.
func (b *book) ask(ctx context.Context, id lanyard.AppID) known {
	k, _, _ := b.asking.Do(string(id), func() (any, error) {
		if _, ok := b.each.Take(string(id)); !ok {
			return b.get(id), nil
		}
		if _, ok := b.all.Take(""); !ok {
			return b.get(id), nil
		}
		ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), patient)
		defer stop()
		return b.read(ctx, id), nil
	})
	return k.(known)
}

func (b *book) read(ctx context.Context, id lanyard.AppID) (k known) {
	var d lanyard.App
	err := b.store.View(ctx, func(q *store.Query) (err error) {
		d, err = q.AppByID(id)
		return err
	})
	if err == nil {
		k, err = b.open(ctx, d)
	}
	if err != nil && !errors.Is(err, lanyard.NotFound) {
		return b.get(id)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.known[id] = k
	} else {
		delete(b.known, id)
	}
	return k
}

// refresh compares everything with the database. One app whose secret does not open
// stands in nobody's way.
func (b *book) refresh(ctx context.Context) error {
	var doors []lanyard.App
	err := b.store.View(ctx, func(q *store.Query) (err error) {
		doors, err = q.Doors()
		return err
	})
	if err != nil {
		return fmt.Errorf("read the apps that notices may be about: %w", err)
	}
	next := make(map[lanyard.AppID]known, len(doors))
	for _, d := range doors {
		k, err := b.open(ctx, d)
		if err != nil {
			if k = b.get(d.ID); !k.same(d) {
				continue
			}
		}
		next[d.ID] = k
	}
	b.mu.Lock()
	b.known = next
	b.mu.Unlock()
	return nil
}

// open opens the secrets, unless that was done. One that does not belong where it was
// found has raised its alarm, and is not opened again.
func (b *book) open(ctx context.Context, d lanyard.App) (known, error) {
	k := known{App: d, at: time.Now()}
	var err error
	if k.sealer, err = b.vault.Sealer(ctx, vault.ProjectKey(d.Project)); err != nil {
		return k, err
	}
	if k.target, err = b.apps.Providers.Target(d); err != nil {
		k.target = nil // the catalogue has changed since: a provider that signs with a secret is believed all the same
	}
	if old := b.get(d.ID); old.same(d) {
		k.secrets = old.secrets
		return k, nil
	}
	k.secrets, err = b.apps.OpenWebhookSecrets(ctx, d)
	if err != nil {
		b.log.Error("a webhook secret of an app does not open; notices signed with it are refused", "app", d.ID, "code", lanyard.CodeOf(err))
	}
	if errors.Is(err, lanyard.CodeTampered) {
		return k, nil
	}
	return k, err
}

// same says whether an app has the secrets that are known.
func (k known) same(d lanyard.App) bool {
	return k.ID != "" && bytes.Equal(k.WebhookSecret, d.WebhookSecret) && bytes.Equal(k.NextWebhookSecret, d.NextWebhookSecret)
}
