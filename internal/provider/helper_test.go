package provider_test

import (
	"encoding/json"
	"maps"
	"testing"

	"lanyard"
	"lanyard/internal/egress"
	"lanyard/internal/provider"
	"lanyard/internal/provider/catalog"
)

type object = map[string]any

// newSet is the catalogue with a way out that may reach this machine.
func newSet(t testing.TB) *provider.Set {
	t.Helper()
	client, err := egress.New(egress.Config{AllowLoopback: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdle)
	entries, err := catalog.Load("")
	if err != nil {
		t.Fatal(err)
	}
	s, err := provider.NewSet(client, entries...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// definition is a custom provider at base, with changes by member.
func definition(base string, changes object) object {
	d := object{
		"name": "CRM", "client_auth": "basic", "class": "strict",
		"endpoints": object{"authorize": base + "/authorize", "token": base + "/token", "identity": base + "/me", "revoke": base + "/revoke", "api": base},
		"identity":  object{"subject": "id", "email": "email", "name": "name"},
	}
	maps.Copy(d, changes)
	return d
}

func customApp(t testing.TB, d object) lanyard.App {
	t.Helper()
	raw, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return lanyard.App{ID: "app_1", Provider: provider.Custom, ClientID: "client", Custom: raw}
}

func custom(t testing.TB, base string, changes object) *provider.Target {
	t.Helper()
	return mustTarget(t, customApp(t, definition(base, changes)))
}

func mustTarget(t testing.TB, a lanyard.App) *provider.Target {
	t.Helper()
	got, err := newSet(t).Target(a)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func credentials() provider.Credentials {
	return provider.Credentials{ClientID: "client", Secret: lanyard.NewSecret("secret")}
}
