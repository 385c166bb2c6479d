package web

import (
	"embed"
	"io"
	"net/http"
	"path"
)

// contentTypes are those of the files, whatever the machine has in /etc/mime.types.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

//go:embed page
var files embed.FS

// file returns what answers with a file of the page.
func file(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { writeFile(w, name) }
}

func writeFile(w http.ResponseWriter, name string) {
	w.Header().Set("Content-Type", contentTypes[path.Ext(name)])
	text, err := files.Open("page/" + name)
	if err != nil {
		panic("not embedded: " + name)
	}
	defer text.Close()
	io.Copy(w, text) // an error is that of the client's connection
}
