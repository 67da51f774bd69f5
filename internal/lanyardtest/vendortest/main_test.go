//go:debug x509usefallbackroots=1
package vendortest_test

import (
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
)

// TestMain has the certificate of httptest's servers trusted: some URLs have to be https.
func TestMain(m *testing.M) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	s.Close()
	x509.SetFallbackRoots(pool)
	code := m.Run()
	if programs != "" {
		_ = os.RemoveAll(programs)
	}
	os.Exit(code)
}
