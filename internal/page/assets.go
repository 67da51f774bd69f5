package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed assets
var files embed.FS

type asset struct {
	body []byte
	kind string
	etag string
}

// Assets are the files beside the pages, by the name they are served under. It
// has the file's hash in it, so a browser may keep it for ever and never shows a
// new page with an old style.
type Assets struct {
	byName  map[string]asset
	names   map[string]string // file → name
	library asset
}

func loadAssets() (Assets, error) {
	a := Assets{byName: map[string]asset{}, names: map[string]string{}}
	dir, err := files.ReadDir("assets")
	if err != nil {
		return Assets{}, fmt.Errorf("page: %w", err)
	}
	kinds := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	for _, f := range dir {
		body, err := files.ReadFile("assets/" + f.Name())
		if err != nil {
			return Assets{}, fmt.Errorf("page: %w", err)
		}
		sum := sha256.Sum256(body)
		hash, ext := hex.EncodeToString(sum[:8]), path.Ext(f.Name())
		one := asset{body, kinds[ext], `"` + hash + `"`}
		if f.Name() == "lanyard.js" {
			a.library = one
			continue
		}
		name := strings.TrimSuffix(f.Name(), ext) + "-" + hash + ext
		a.byName[name], a.names[f.Name()] = one, name
	}
	return a, nil
}

// Path is the address of a file.
func (a Assets) Path(file string) string { return "/connect-assets/" + a.names[file] }

// Serve serves the file whose name is in the address: /connect-assets/{name}.
func (a Assets) Serve(w http.ResponseWriter, r *http.Request) {
	one, ok := a.byName[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	one.serve(w, r, "public, max-age=31536000, immutable")
}

// ServeLibrary serves /lanyard.js, whose address customers have in their pages:
// it cannot carry a hash, so it is kept for minutes only. Pages of other origins
// load it, under Cross-Origin-Embedder-Policy and with subresource integrity too.
func (a Assets) ServeLibrary(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	a.library.serve(w, r, "public, max-age=300")
}

func (a asset) serve(w http.ResponseWriter, r *http.Request, keep string) {
	h := w.Header()
	Policy{}.Set(h)
	h.Set("Cache-Control", keep)
	h.Set("Content-Type", a.kind)
	h.Set("ETag", a.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.body))
}
