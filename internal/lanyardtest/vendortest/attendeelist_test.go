package vendortest_test

import (
	"cmp"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/server"
	"lanyard/internal/store/storetest"
)

// statements stands between the server and its PostgreSQL, and counts what is executed.
func statements(t *testing.T) (lanyardtest.Option, *atomic.Int64) {
	t.Helper()
	u, err := url.Parse(storetest.PostgreSQL(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	// A server of one's own may be somewhere else than behind a socket (LANYARD_TEST_POSTGRES).
	network, behind, own := "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "5432")), "127.0.0.1:0"
	q, dir := u.Query(), t.TempDir()
	if in := q.Get("host"); in != "" {
		const socket = ".s.PGSQL.5432"
		network, behind, own = "unix", filepath.Join(in, socket), filepath.Join(dir, socket)
		q.Set("host", dir)
	}
	l, err := net.Listen(network, own)
	if err != nil {
		t.Fatal(err)
	}
	if network == "tcp" {
		u.Host = l.Addr().String()
	}
	u.RawQuery = q.Encode()
	n := &atomic.Int64{}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go passOn(c, network, behind, n)
		}
	}()
	return func(s *server.Settings) { s.DatabaseURL = lanyard.NewSecret(u.String()) }, n
}

// passOn passes on one connection, message by message: the first has no type.
func passOn(c net.Conn, network, behind string, n *atomic.Int64) {
	defer func() { _ = c.Close() }()
	db, err := net.Dial(network, behind)
	if err != nil {
		return
	}
	defer func() { _ = db.Close() }()
	go func() {
		_, _ = io.Copy(c, db) // until either has gone
		_ = c.Close()
	}()
	for head := make([]byte, 4); ; head = make([]byte, 5) {
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		if len(head) == 5 && (head[0] == 'E' || head[0] == 'Q') {
			n.Add(1)
		}
		size := int64(binary.BigEndian.Uint32(head[len(head)-4:])) - 4
		if _, err := db.Write(head); err != nil {
			return
		}
		if _, err := io.CopyN(db, c, size); err != nil {
			return
		}
	}
}

// A list used to ask for the rest of each connection's account, and for its person, one by one,
// and to open all that each had ever had: with people who came and went, a page of 25 was
// a hundred queries and some thousand decryptions. Now it is as many queries as for one.
// Of bots, whose time lines were asked for one by one, it is the same.
func TestAttendeeListAsksOnce(t *testing.T) {
	count, n := statements(t)
	c := atWorld(t, count)
	leaves := uninstalls(c.w, c.app)
	people := []string{"ana", "ben", "chidi", "dana"}
	for round := range 4 {
		for _, who := range people {
			id := c.connect(who, nil).Str("id")
			if round == 3 {
				continue
			}
			leaves(who)
			lanyardtest.Eventually(t, func() bool { return c.call("GET", "/zoom_oauth_connections/"+id, nil).Str("state") == "disconnected" }, who+" has gone")
		}
	}
	least := int64(1000)
	for range 5 { // the server has other things to do as well
		before := n.Load()
		if l := c.call("GET", "/zoom_oauth_connections", nil).List("results"); len(l) != len(people) {
			t.Fatalf("got %v, want each once", l)
		}
		least = min(least, n.Load()-before)
	}
	if least == 0 || least > 12 {
		t.Errorf("got %d statements for a list of 16 connections of four people, want as few as for one", least)
	}
	link, _ := c.meeting()
	for range 25 {
		if a := c.call("POST", "/bots", map[string]any{"meeting_url": link, "bot_name": "N", "join_at": time.Now().Add(24 * time.Hour)}); a.status != 201 {
			t.Fatalf("got %d %s", a.status, a.raw)
		}
	}
	least = 1000
	for range 5 {
		before := n.Load()
		if l := c.call("GET", "/bots", nil).List("results"); len(l) != 25 || len(l[24].List("events")) != len(c.call("GET", "/bots/"+l[24].Str("id"), nil).List("events")) {
			t.Fatalf("got %v, want 25 with their time lines", l)
		}
		least = min(least, n.Load()-before)
	}
	if least == 0 || least > 15 { // the look at one of them, too
		t.Errorf("got %d statements for a list of 25 bots, want as few as for one", least)
	}
}

// What a key does not reach is not on its pages; and where it reached nothing of a page, the
// list used to say that it was at its end, though what it reaches was on the next.
func TestAttendeeListGoesOnPastWhatAKeyDoesNotReach(t *testing.T) {
	c := atWorld(t)
	c.connect("ana", nil)
	made := c.w.OK("GET", "/v1/connections", nil).List("data")
	c.w.OK("PATCH", "/v1/connections/"+made[0].Str("id"), map[string]any{"label": "sales"}) // the oldest
	for range 26 {
		c.connect("ben", nil)
		one := c.w.OK("GET", "/v1/connections?limit=1", nil).List("data")[0]
		c.w.OK("PATCH", "/v1/connections/"+one.Str("id"), map[string]any{"label": "care"}) // and so the next is a new one
	}
	c.key = c.w.OK("POST", "/v1/keys", map[string]any{"scopes": []string{"read"}, "labels": []string{"sales"}, "dialect": "attendee"}).Str("credential")
	first := c.call("GET", "/zoom_oauth_connections", nil)
	if len(first.List("results")) != 0 || first.Str("next") == "" {
		t.Fatalf("got %s, want an empty page with a next", first.raw)
	}
	second := c.call("GET", first.Str("next"), nil)
	if l := second.List("results"); len(l) != 1 || second.Str("next") != "" {
		t.Errorf("got %s, want the one that the key reaches, and the end", second.raw)
	}
}

// A connection that came another way, to an end user whom the customer calls as a code without
// state would, is not what a later code succeeds: its metadata used to be the new one's, and
// Attendee was told that it was back; and MeetStream's clients saw it as that account's, lost.
func TestACodeWithoutStateSucceedsNoInvitation(t *testing.T) {
	c := atWorld(t)
	user := msUser(c.w, "ana").ID
	invited := c.w.Connect(c.app, "zoom:"+user, "ben") // somebody else's account
	c.w.OK("PATCH", "/v1/connections/"+invited.Str("id"), map[string]any{"metadata": map[string]string{"of": "ben"}})
	uninstalls(c.w, c.app)("ben")
	lanyardtest.Eventually(t, func() bool {
		return c.w.OK("GET", "/v1/connections/"+invited.Str("id"), nil).Str("status") == "revoked"
	}, "Ben has gone")
	ms := &msCustomer{t: t, w: c.w, base: c.w.URL + "/meetstream/api/v1", key: msKey(c.w, c.w.Key, "meetstream"), app: c.app}
	ms.refused(404, "Zoom user "+user+" is not connected for this account", "GET", "/zoom/oauth/connections/"+user, nil)
	if l := ms.list(); len(l) != 0 {
		t.Errorf("MeetStream: got %v, want nobody: it was Ben's, not Ana's", l)
	}
	if a := c.connect("ana", nil); a.JSON["metadata"] != nil {
		t.Errorf("got %s, want nothing of Ben's", a.raw)
	}
}
