// Package ladderpage writes an explained capture as one HTML page, which needs no other file and no network: each
// session's ladder is drawn as SVG, with details of a packet on click or by keyboard.
package ladderpage

import (
	"bufio"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"

	"upppoe/internal/capture/explain"
)

var (
	//go:embed page.css
	style string
	//go:embed page.js
	script string
)

// Write writes the page of a report. The report is in it as JSON, whose texts the script shows as text,
// never as markup; the page's policy allows no other script.
func Write(w io.Writer, r *explain.Report) error {
	b := bufio.NewWriter(w)
	b.WriteString("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
	b.WriteString(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; base-uri 'none'; form-action 'none'; style-src ` +
		hash(style) + `; script-src ` + hash(script) + `">` + "\n")
	b.WriteString(`<meta name="viewport" content="width=device-width, initial-scale=1">` + "\n" + `<meta name="color-scheme" content="light dark">` + "\n")
	b.WriteString("<title>" + html.EscapeString(r.File) + ": PPPoE sessions</title>\n<style>" + style + "</style>\n</head>\n<body>\n")
	b.WriteString("<noscript><p>This page draws its ladders by a script: allow it, or use pppoe-discovery explain FILE, which prints text.</p></noscript>\n")
	b.WriteString(`<script type="application/json" id="report">`)
	// Marshal writes <, > and & as escapes, so that no text can end the element.
	document, err := json.Marshal(r)
	if err != nil {
		return err
	}
	b.Write(document)
	b.WriteString("</script>\n<script>" + script + "</script>\n</body>\n</html>\n")
	return b.Flush()
}

// hash is a source of the Content-Security-Policy that allows exactly this text.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
