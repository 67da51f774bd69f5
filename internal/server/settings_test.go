package server_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lanyard"
	"lanyard/internal/server"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSettingsLayers(t *testing.T) {
	file := write(t, "lanyard.yaml", "public_url: https://file.example\nlisten: file:1\ntrusted_proxies:\n  - 10.0.0.1\n  - 10.0.0.2\nlimit_key_per_second: 7\nallow_loopback: true\n")
	secret := write(t, "smtp", "smtps://u:s3cr3t@mail.example\n")
	got, err := server.Load(server.Sources{File: file,
		Environ: []string{"LANYARD_LISTEN=env:2", "LANYARD_SMTP_URL_FILE=" + secret, "LANYARD_DATABASE_URL=postgres://u:s3cr3t@db/x", "LANYARD_KEY=ignored",
			"LANYARD_PUBLIC_ULR=typo", "LANYARD_DRAIN_TIME=5s", "PATH=/bin"},
		Flags: map[string]string{"listen": "flag:3"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][2]string{
		"public_url": {"https://file.example", "file"}, "listen": {"flag:3", "flag"}, "trusted_proxies": {"10.0.0.1,10.0.0.2", "file"},
		"limit_key_per_second": {"7", "file"}, "limit_opens_per_minute": {"10", "default"}, "allow_loopback": {"true", "file"},
		"smtp_url": {lanyard.Redacted, "environment"}, "database_url": {lanyard.Redacted, "environment"}, "drain_time": {"5s", "environment"},
		"egress_proxy": {"", "default"},
	} {
		if v, from := got.Value(name), got.From[name]; v != want[0] || from != want[1] {
			t.Errorf("%s: got %q from %s, want %q from %s", name, v, from, want[0], want[1])
		}
	}
	if string(got.SMTPURL.Reveal()) != "smtps://u:s3cr3t@mail.example" {
		t.Error("got another secret than the file's")
	}
	if len(got.Unknown) != 1 || got.Unknown[0] != "LANYARD_PUBLIC_ULR" {
		t.Errorf("got unknown %v, want the typing error", got.Unknown)
	}
	if !strings.HasSuffix(got.Socket, "lanyard.sock") || !strings.HasPrefix(got.KEK, "file:/") || strings.HasPrefix(strings.TrimPrefix(got.KEK, "file:"), got.DataDir) {
		t.Errorf("got socket %s and KEK %s, want defaults, and the key not beside the data", got.Socket, got.KEK)
	}
}

func TestSettingsThatCannotBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		file    string
		environ []string
		want    string
	}{
		"an unknown name":        {"refrsh: 1\n", nil, `"refrsh"`},
		"a name below another":   {"listen:\n  host: x\n", nil, "listen"},
		"no YAML":                {"a: [", nil, "lanyard.yaml"},
		"not a number":           {"", []string{"LANYARD_LIMIT_KEY_PER_SECOND=s3cr3t"}, "limit_key_per_second"},
		"below zero":             {"limit_key_per_second: -1\n", nil, "limit_key_per_second"},
		"not a duration":         {"", []string{"LANYARD_DRAIN_TIME=s3cr3t"}, "drain_time"},
		"not true or false":      {"allow_loopback: s3cr3t\n", nil, "allow_loopback"},
		"a secret twice":         {"", []string{"LANYARD_SMTP_URL=smtp://s3cr3t", "LANYARD_SMTP_URL_FILE=/dev/null"}, "both set"},
		"a secret's file is not": {"", []string{"LANYARD_SMTP_URL_FILE=/nonexistent/x"}, "LANYARD_SMTP_URL_FILE"},
	} {
		src := server.Sources{Environ: c.environ}
		if c.file != "" {
			src.File = write(t, "lanyard.yaml", c.file)
		}
		_, err := server.Load(src)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: got %v, want it to name %s and no value", name, err, c.want)
		}
	}
}

func TestSettingsThatDoNotFit(t *testing.T) {
	type m = map[string]string
	for _, c := range []struct {
		name  string
		flags m
		want  string // empty: they fit
	}{
		{"the default", m{}, ""},
		{"loopback by number", m{"public_url": "http://127.0.0.1:9", "listen": "127.0.0.1:9"}, ""},
		{"http elsewhere", m{"public_url": "http://connect.example.com"}, "trusted_proxies"},
		{"https out of nothing", m{"public_url": "https://connect.example.com"}, "tls_cert"},
		{"own certificate", m{"public_url": "https://connect.example.com", "listen": ":443", "tls_cert": "a", "tls_key": "b"}, ""},
		{"half a certificate", m{"public_url": "https://connect.example.com", "tls_cert": "a"}, "belong together"},
		{"ACME", m{"public_url": "https://connect.example.com", "listen": ":443", "acme_email": "ops@example.com"}, ""},
		{"ACME and a certificate", m{"public_url": "https://connect.example.com", "acme_email": "ops@example.com", "tls_cert": "a", "tls_key": "b"}, "not both"},
		{"ACME for localhost by http", m{"acme_email": "ops@example.com"}, "not https"},
		{"a proxy", m{"public_url": "https://connect.example.com", "listen": "0.0.0.0:8080", "trusted_proxies": "10.0.0.5"}, ""},
		{"everybody is the proxy", m{"public_url": "https://connect.example.com", "trusted_proxies": "0.0.0.0/0"}, "every caller"},
		{"no proxy", m{"public_url": "https://connect.example.com", "trusted_proxies": "proxy"}, "trusted_proxies"},
		{"plain http to the world", m{"listen": "0.0.0.0:8080"}, "plain http"},
		{"plain http on every interface", m{"listen": ":8080"}, "plain http"},
		{"a certificate for http", m{"tls_cert": "a", "tls_key": "b"}, "must be https"},
		{"a path", m{"public_url": "http://localhost:8080/x"}, "scheme and host"},
		{"a slash", m{"public_url": "http://localhost:8080/"}, "slash"},
		{"upper case", m{"public_url": "http://LOCALHOST:8080"}, "lower case"},
		{"a fast clock", m{"time_scale": "60"}, "allow_loopback"},
		{"a wrong clock", m{"clock_offset": "1h"}, "allow_loopback"},
		{"a fast clock in a test", m{"time_scale": "60", "allow_loopback": "true"}, ""},
		{"another database", m{"database_url": "mysql://x/y"}, "postgres://"},
		{"a level that is none", m{"log_level": "loud"}, "log_level"},
		{"no port", m{"listen": "localhost"}, "host:port"},
	} {
		loaded, err := server.Load(server.Sources{Flags: c.flags})
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		err = loaded.Check()
		if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

func TestEverySettingIsDocumented(t *testing.T) {
	for _, s := range server.Described() {
		if s.Name == "" || s.Doc == "" || s.Example == "" {
			t.Errorf("%+v: a setting has a name, an explanation and an example", s)
		}
	}
}
