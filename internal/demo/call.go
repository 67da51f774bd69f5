package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"
)

// call is one request: it is made and shown from the same values, so that what
// is shown is what was done.
type call struct {
	method string
	path   string // of the server, or a whole URL
	body   any
	as     string // name of the shell's variable that holds the key; "": KEY
}

// line is the call as a curl for a shell that has LANYARD, SANDBOX and KEY.
func (d *Demo) line(c call) string {
	var b strings.Builder
	b.WriteString("curl -s")
	if c.method != http.MethodGet && (c.method != http.MethodPost || c.body == nil) {
		b.WriteString(" -X " + c.method)
	}
	address := strings.Replace(c.path, d.sandURL, "$SANDBOX", 1)
	if strings.HasPrefix(c.path, "/") {
		address = "$LANYARD" + c.path
	}
	b.WriteString(` "` + address + `"`)
	if strings.HasPrefix(c.path, "/") {
		as := c.as
		if as == "" {
			as = "KEY"
		}
		b.WriteString(` -H "Authorization: Bearer $` + as + `"`)
	}
	if c.body != nil {
		raw, _ := json.Marshal(c.body) // maps of text: cannot fail
		b.WriteString(` -H "Content-Type: application/json" -d '` + string(raw) + `'`)
	}
	return b.String()
}

// do makes the call with the given key and decodes the answer into out.
func (d *Demo) do(ctx context.Context, c call, key string, out any) (status int, err error) {
	address := c.path
	if strings.HasPrefix(c.path, "/") {
		address = d.url + c.path
	}
	var in io.Reader
	if c.body != nil {
		raw, err := json.Marshal(c.body)
		if err != nil {
			return 0, err
		}
		in = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(ctx, c.method, address, in)
	if err != nil {
		return 0, err
	}
	if c.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := (&http.Client{Timeout: time.Minute, CheckRedirect: stay}).Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return resp.StatusCode, err
	}
	if out != nil && len(raw) > 0 {
		err = json.Unmarshal(raw, out)
	}
	return resp.StatusCode, err
}

// stay follows nothing.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// browser is a person's browser: cookies, and one redirect at a time.
type browser struct{ client *http.Client }

func newBrowser() (*browser, error) {
	jar, err := cookiejar.New(nil)
	return &browser{&http.Client{Jar: jar, CheckRedirect: stay}}, err
}

// open goes to an address and returns where it leads; "" if it is a page.
func (b *browser) open(ctx context.Context, method, address string, form url.Values) (next string, err error) {
	var in io.Reader
	if form != nil {
		in = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(ctx, method, address, in)
	if err != nil {
		return "", err
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", r.URL.Scheme+"://"+r.URL.Host)
	}
	resp, err := b.client.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)); err != nil {
		return "", err
	}
	if resp.StatusCode >= 400 {
		return "", fmt.Errorf("%s %s%s: %s", method, r.URL.Host, r.URL.Path, resp.Status)
	}
	if loc := resp.Header.Get("Location"); loc != "" {
		u, err := r.URL.Parse(loc)
		if err != nil {
			return "", err
		}
		return u.String(), nil
	}
	return "", nil
}

// consent presses Continue on our page and Allow on the provider's, as this
// person of the sandbox's cast, and goes on until the product's page is next.
func (d *Demo) consent(ctx context.Context, b *browser, link, person string) (back *url.URL, err error) {
	if _, err := b.open(ctx, http.MethodGet, link, nil); err != nil {
		return nil, err
	}
	next, err := b.open(ctx, http.MethodPost, link, url.Values{})
	if err != nil {
		return nil, err
	}
	next += "&sandbox_consent=allow&sandbox_person=" + person
	for range 10 {
		if next == "" {
			return nil, fmt.Errorf("the browser ended before it came back to the product")
		}
		if strings.HasPrefix(next, d.product) {
			return url.Parse(next)
		}
		if next, err = b.open(ctx, http.MethodGet, next, nil); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("the browser goes in circles")
}
