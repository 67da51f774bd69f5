// Command webhook receives what Lanyard tells, by Standard Webhooks: it checks who has
// sent a message and when, and does each thing once.
//
//	lanyard webhook create https://api.example.com/lanyard --type 'connection.*'
//	WEBHOOK_SECRET=whsec_… LISTEN=localhost:7001 go run ./examples/webhook
package main

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

func main() {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(os.Getenv("WEBHOOK_SECRET"), "whsec_"))
	if err != nil || len(key) == 0 {
		log.Fatal("WEBHOOK_SECRET: not a whsec_… of lanyard webhook create")
	}
	listen := cmp.Or(os.Getenv("LISTEN"), "localhost:7001")
	s := &http.Server{Addr: listen, Handler: &receiver{key: key, seen: map[string]time.Time{}}, ReadHeaderTimeout: 5 * time.Second}
	log.Print("listening on ", listen)
	log.Fatal(s.ListenAndServe())
}

type receiver struct {
	key  []byte
	mu   sync.Mutex
	seen map[string]time.Time // ids of messages; a real one keeps them in its database, with what it did
}

func (rc *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20)) // the bytes as they came: what was signed
	if err != nil {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	}
	id := r.Header.Get("webhook-id")
	if !rc.genuine(id, r.Header.Get("webhook-timestamp"), r.Header.Get("webhook-signature"), body) {
		http.Error(w, "not signed by Lanyard, or too old", http.StatusUnauthorized)
		return
	}
	if rc.again(id) { // a message may come more than once; that is no error
		return
	}
	var m struct {
		Type string
		Data map[string]string
	}
	if err := json.Unmarshal(body, &m); err != nil {
		http.Error(w, "not JSON", http.StatusBadRequest)
		return
	}
	fmt.Println(m.Type, m.Data["connection_id"], m.Data["status"]) // and answer at once: work on it later
}

// genuine checks the signature, and that it is not an old message sent again by somebody
// else. There may be several signatures: of both secrets, while one is changed.
func (rc *receiver) genuine(id, at, signatures string, body []byte) bool {
	seconds, err := strconv.ParseInt(at, 10, 64)
	if age := time.Since(time.Unix(seconds, 0)); err != nil || id == "" || age > 5*time.Minute || age < -5*time.Minute {
		return false
	}
	mac := hmac.New(sha256.New, rc.key)
	fmt.Fprintf(mac, "%s.%s.", id, at)
	mac.Write(body)
	want := []byte("v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	for got := range strings.FieldsSeq(signatures) {
		if hmac.Equal(want, []byte(got)) {
			return true
		}
	}
	return false
}

// again says whether a message has been here before. Four days is longer than it is tried.
func (rc *receiver) again(id string) bool {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	for other, at := range rc.seen {
		if time.Since(at) > 4*24*time.Hour {
			delete(rc.seen, other)
		}
	}
	_, known := rc.seen[id]
	rc.seen[id] = time.Now()
	return known
}
