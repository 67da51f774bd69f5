package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// client reads tokens over one connection that is kept alive.
type client interface {
	// read reads the token of the connection with this index; the answer must be
	// 200. Its body is returned if keep is set, and read to the end in any case.
	read(ctx context.Context, index int, keep bool) ([]byte, error)
}

const (
	clientGo  = "go"  // net/http's client, as a customer's backend in Go has it
	clientRaw = "raw" // requests made before and written as they are: the two cores are the servers'
)

// clients returns n clients for these connections.
func (w *world) clients(ctx context.Context, server string, ids []string, n int) (list []client, hangUp func(), err error) {
	if w.client == clientGo {
		t := &http.Transport{MaxIdleConnsPerHost: n}
		shared := &http.Client{Transport: t}
		urls := make([]string, len(ids))
		for i, id := range ids {
			urls[i] = server + "/v1/connections/" + id + "/token"
		}
		for range n {
			list = append(list, &goClient{shared, urls, "Bearer " + w.key})
		}
		return list, t.CloseIdleConnections, nil
	}
	host := strings.TrimPrefix(server, "http://")
	requests := make([][]byte, len(ids))
	for i, id := range ids {
		requests[i] = []byte("POST /v1/connections/" + id + "/token HTTP/1.1\r\nHost: " + host +
			"\r\nAuthorization: Bearer " + w.key + "\r\nContent-Type: application/json\r\nContent-Length: 2\r\nUser-Agent: lanyard-bench\r\n\r\n{}")
	}
	var open []net.Conn
	hangUp = func() {
		for _, c := range open {
			_ = c.Close() // nothing is under way
		}
	}
	for range n {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", host)
		if err != nil {
			hangUp()
			return nil, nil, err
		}
		open = append(open, c)
		list = append(list, &rawClient{c, bufio.NewReader(c), requests})
	}
	return list, hangUp, nil
}

type goClient struct {
	http *http.Client
	urls []string
	key  string
}

func (c *goClient) read(ctx context.Context, index int, keep bool) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.urls[index], strings.NewReader("{}"))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", c.key)
	r.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	return answer(resp, keep)
}

type rawClient struct {
	conn     net.Conn
	in       *bufio.Reader
	requests [][]byte
}

func (c *rawClient) read(_ context.Context, index int, keep bool) ([]byte, error) {
	if _, err := c.conn.Write(c.requests[index]); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return nil, err
	}
	return answer(resp, keep)
}

func answer(resp *http.Response, keep bool) (body []byte, err error) {
	if keep || resp.StatusCode != http.StatusOK {
		body, err = io.ReadAll(resp.Body)
	} else {
		_, err = io.Copy(io.Discard, resp.Body)
	}
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("answer %d: %.300s", resp.StatusCode, body)
	}
	return body, errors.Join(err, resp.Body.Close())
}
