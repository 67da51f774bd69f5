//go:debug x509usefallbackroots=1
package vendortest_test

import (
	"crypto/x509"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
)

// atOnce is how many tests run together where nobody says: nearly all they do is wait for
// what happens by the clock, a vendor that is polled or a try that is due.
const atOnce = "6"

// TestMain has the certificate of httptest's servers trusted: some URLs have to be https.
func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		if err := flag.Set(f.Name, atOnce); err != nil {
			panic(err)
		}
	}
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
