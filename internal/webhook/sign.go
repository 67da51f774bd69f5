package webhook

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"lanyard"
)

// Headers of Standard Webhooks.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

// signedContent is what is signed: the exact bytes that are sent, and that they are
// this message, now.
func signedContent(id string, at time.Time, body []byte) []byte {
	return append([]byte(id+"."+strconv.FormatInt(at.Unix(), 10)+"."), body...)
}

// symmetric is a signature of kind v1: HMAC-SHA256.
func symmetric(key, content []byte) string {
	return "v1," + base64.StdEncoding.EncodeToString(sum(key, content))
}

// asymmetric is a signature of kind v1a: ed25519.
func asymmetric(key ed25519.PrivateKey, content []byte) string {
	return "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(key, content))
}

func sum(key, content []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(content)
	return mac.Sum(nil)
}

// sign sets the headers of a message: one signature of each kind by each secret, of
// which there are two during a rotation.
func sign(h http.Header, id string, at time.Time, body []byte, secrets []lanyard.Secret) {
	content := signedContent(id, at, body)
	var all []string
	for _, s := range secrets {
		all = append(all, symmetric(s.Reveal()[:hmacKey], content))
	}
	for _, s := range secrets {
		all = append(all, asymmetric(privateKey(s), content))
	}
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, strconv.FormatInt(at.Unix(), 10))
	h.Set(HeaderSignature, strings.Join(all, " "))
}
