package webhook_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
	"lanyard/internal/webhook"
)

func webhookSpec(url *string, enabled *bool) webhook.Spec {
	return webhook.Spec{URL: url, Enabled: enabled}
}

// During a rotation messages are signed by both secrets; afterwards by the new one.
func TestRotation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		r := w.receiver(nil)
		e, old := w.create(r.url)
		signatures := func() []string {
			t.Helper()
			n := len(r.all())
			w.happens(lanyard.Event{})
			w.until("delivered", func() bool { return len(r.all()) > n })
			return strings.Fields(r.all()[n].header.Get(webhook.HeaderSignature))
		}
		w.node()
		if s := signatures(); len(s) != 2 {
			t.Errorf("got %v, want one of each kind", s)
		}
		is, secret, err := w.s.Rotate(t.Context(), w.p, e.ID, 3*time.Second)
		w.must(err)
		if is.PublicKey == e.PublicKey || is.OldPublicKey != e.PublicKey || string(secret.Reveal()) == old || is.OldUntil.Before(time.Now()) {
			t.Errorf("got %+v", is)
		}
		if s := signatures(); len(s) != 4 {
			t.Errorf("got %v, want two of each kind", s)
		}
		time.Sleep(3 * time.Second)
		if s := signatures(); len(s) != 2 {
			t.Errorf("got %v, want one of each kind", s)
		}
		if is, _, err = w.s.Rotate(t.Context(), w.p, e.ID, 0); err != nil || is.OldSecret != nil || is.OldPublicKey != "" {
			t.Errorf("got %+v %v, want no old one", is, err)
		}
		if _, _, err := w.s.Rotate(t.Context(), w.p, e.ID, 8*24*time.Hour); !errors.Is(err, lanyard.CodeInvalidRequest) {
			t.Errorf("got %v, want an overlap of eight days refused", err)
		}
	})
}

// T22: another project's endpoint and delivery are absent, in the same words. A key
// that is limited to some connections has no endpoints.
func TestWhoMay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		e, _ := w.create("https://a.example/hook")
		sent, err := w.s.Test(t.Context(), w.p, e.ID)
		w.must(err)
		other, limited, weak := w.p, w.p, w.p
		other.Project, limited.Labels, weak.Scopes = w.newProject(), []string{"work"}, []lanyard.Scope{lanyard.ScopeAdmin}
		yes := true
		calls := map[string]func(p lanyard.Principal, e lanyard.EndpointID, d lanyard.DeliveryID) error{
			"Get": func(p lanyard.Principal, e lanyard.EndpointID, _ lanyard.DeliveryID) error {
				_, err := w.s.Get(t.Context(), p, e)
				return err
			},
			"Update": func(p lanyard.Principal, e lanyard.EndpointID, _ lanyard.DeliveryID) error {
				_, err := w.s.Update(t.Context(), p, e, webhookSpec(nil, &yes))
				return err
			},
			"Rotate": func(p lanyard.Principal, e lanyard.EndpointID, _ lanyard.DeliveryID) error {
				_, _, err := w.s.Rotate(t.Context(), p, e, 0)
				return err
			},
			"Test": func(p lanyard.Principal, e lanyard.EndpointID, _ lanyard.DeliveryID) error {
				_, err := w.s.Test(t.Context(), p, e)
				return err
			},
			"RedeliverSince": func(p lanyard.Principal, e lanyard.EndpointID, _ lanyard.DeliveryID) error {
				_, _, err := w.s.RedeliverSince(t.Context(), p, e, time.Now(), "")
				return err
			},
			"Redeliver": func(p lanyard.Principal, _ lanyard.EndpointID, d lanyard.DeliveryID) error {
				_, err := w.s.Redeliver(t.Context(), p, d)
				return err
			},
			"Delivery": func(p lanyard.Principal, _ lanyard.EndpointID, d lanyard.DeliveryID) error {
				_, err := w.s.Delivery(t.Context(), p, d)
				return err
			},
			"Delete": func(p lanyard.Principal, e lanyard.EndpointID, _ lanyard.DeliveryID) error {
				return w.s.Delete(t.Context(), p, e)
			},
		}
		for name, call := range calls {
			foreign, absent := call(other, e.ID, sent.ID), call(w.p, "we_none", "dlv_none")
			if !errors.Is(foreign, lanyard.CodeNotFound) || foreign.Error() != absent.Error() {
				t.Errorf("%s: got %v for another project's, %v for none", name, foreign, absent)
			}
			if err := call(limited, e.ID, sent.ID); !errors.Is(err, lanyard.CodeKeyLimited) {
				t.Errorf("%s: got %v for a limited key", name, err)
			}
			if err := call(weak, e.ID, sent.ID); !errors.Is(err, lanyard.CodeScopeMissing) {
				t.Errorf("%s: got %v without the scope", name, err)
			}
		}
		if list, _, err := w.s.List(t.Context(), other, lanyard.Page{}); err != nil || len(list) != 0 {
			t.Errorf("got %d of another project's, %v", len(list), err)
		}
		if list, _, err := w.s.List(t.Context(), w.p, lanyard.Page{}); err != nil || len(list) != 1 {
			t.Errorf("got %d, %v", len(list), err)
		}
		for range 49 {
			w.create("https://a.example/hook")
		}
		u := "https://a.example/hook"
		if _, _, err := w.s.Create(t.Context(), w.p, webhookSpec(&u, nil)); !errors.Is(err, lanyard.CodeWebhookLimit) {
			t.Errorf("the 51st: got %v", err)
		}
		for _, bad := range []lanyard.EventType{"connection", "*", "connection.new", ".*", "connection.*.*"} {
			if _, err := w.s.Update(t.Context(), w.p, e.ID, webhook.Spec{Types: []lanyard.EventType{bad}}); !errors.Is(err, lanyard.CodeInvalidRequest) {
				t.Errorf("type %q: got %v", bad, err)
			}
		}
		w.must(w.s.Delete(t.Context(), w.p, e.ID))
	})
}

// Disabling stops what is on its way; a delivery can be sent again, with its id.
func TestDisableAndRedeliver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		r := w.receiver(nil)
		e, _ := w.create(r.url)
		sent, err := w.s.Test(t.Context(), w.p, e.ID)
		w.must(err)
		no, yes := false, true
		if _, err := w.s.Update(t.Context(), w.p, e.ID, webhookSpec(nil, &no)); err != nil {
			t.Fatal(err)
		}
		if d, err := w.s.Delivery(t.Context(), w.p, sent.ID); err != nil || d.State != lanyard.DeliveryStopped {
			t.Errorf("got %s %v, want it stopped", d.State, err)
		}
		if _, err := w.s.Redeliver(t.Context(), w.p, sent.ID); !errors.Is(err, lanyard.CodeWebhookDisabled) {
			t.Errorf("got %v", err)
		}
		w.node()
		if _, err := w.s.Update(t.Context(), w.p, e.ID, webhookSpec(nil, &yes)); err != nil {
			t.Fatal(err)
		}
		for n := 1; n <= 2; n++ {
			if d, err := w.s.Redeliver(t.Context(), w.p, sent.ID); err != nil || d.State != lanyard.DeliveryPending {
				t.Errorf("got %s %v", d.State, err)
			}
			w.until("sent", func() bool { return len(r.all()) == n })
			w.until("marked", func() bool { return len(w.deliveries(store.DeliveryFilter{State: lanyard.DeliveryDelivered})) == 1 })
		}
		if ids := r.ids(); ids[0] != sent.Event || ids[1] != sent.Event {
			t.Errorf("got %v, want %s twice", ids, sent.Event)
		}
		if !strings.Contains(string(r.all()[0].body), `"type":"endpoint.test"`) {
			t.Errorf("got %s", r.all()[0].body)
		}
	})
}
