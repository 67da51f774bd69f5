// Command fosite is an OAuth 2.0 server that we did not write: ory/fosite,
// composed into a small program that tests start as a child process.
//
// It speaks the protocol of ../README.md: one JSON line in with the settings,
// one JSON line out when it listens, further lines change the redirect URIs,
// and it ends when its standard input does.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// settings is the first line of standard input.
type settings struct {
	Listen             string   `json:"listen"`
	ClientID           string   `json:"client_id"`
	ClientSecret       string   `json:"client_secret"`
	ClientAuth         string   `json:"client_auth"`
	RedirectURIs       []string `json:"redirect_uris"`
	Scopes             []string `json:"scopes"`
	AccessTokenSeconds int      `json:"access_token_seconds"`
	AlwaysRefresh      bool     `json:"always_refresh"`
}

// ready is what every line is answered with.
type ready struct {
	Issuer                string `json:"issuer"`
	AuthorizationEndpoint string `json:"authorization_endpoint"`
	TokenEndpoint         string `json:"token_endpoint"`
	UserinfoEndpoint      string `json:"userinfo_endpoint"`
	RevocationEndpoint    string `json:"revocation_endpoint"`
	IntrospectionEndpoint string `json:"introspection_endpoint"`
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fosite:", err)
		os.Exit(2)
	}
}

// run serves until in ends. An error before the server listens is returned, and
// told to out; later ones are told only.
func run(in io.Reader, out io.Writer) error {
	lines, answers := bufio.NewScanner(in), json.NewEncoder(out)
	if !lines.Scan() {
		return errors.Join(errors.New("no settings on standard input"), lines.Err())
	}
	server, known, err := start(lines.Bytes())
	if err != nil {
		return errors.Join(err, answers.Encode(map[string]string{"error": err.Error()}))
	}
	if err := answers.Encode(known); err != nil {
		return err
	}
	for lines.Scan() {
		var change struct {
			RedirectURIs []string `json:"redirect_uris"`
		}
		var answer any = known
		if err := decode(lines.Bytes(), &change); err != nil {
			answer = map[string]string{"error": err.Error()}
		} else {
			server.client.setRedirectURIs(change.RedirectURIs)
		}
		if err := answers.Encode(answer); err != nil {
			return err
		}
	}
	return lines.Err()
}

func start(line []byte) (*server, ready, error) {
	s := settings{Listen: "127.0.0.1:0", ClientAuth: "client_secret_basic", AccessTokenSeconds: 3600}
	if err := decode(line, &s); err != nil {
		return nil, ready{}, err
	}
	if s.ClientID == "" || s.ClientSecret == "" {
		return nil, ready{}, errors.New("client_id and client_secret are needed")
	}
	srv, err := newServer(s)
	if err != nil {
		return nil, ready{}, err
	}
	l, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return nil, ready{}, err
	}
	hs := &http.Server{Handler: srv.handler(), ReadHeaderTimeout: 5 * time.Second}
	go func() { fmt.Fprintln(os.Stderr, "fosite:", hs.Serve(l)) }()
	base := "http://" + l.Addr().String()
	return srv, ready{base, base + "/authorize", base + "/token", base + "/userinfo", base + "/revoke", base + "/introspect"}, nil
}

func decode(line []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	return d.Decode(into)
}
