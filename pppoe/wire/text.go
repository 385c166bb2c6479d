package wire

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// AppendText appends a discovery packet in pppd's format, in three lines; the caller writes "Send "
// or "Recv " before it. What a peer wrote is escaped.
func (d DiscoveryFrame) AppendText(b []byte) []byte {
	b = fmt.Appendf(b, "PPPOE Discovery V1T1 %v session 0x%x length %d\n dst %v  src %v", d.Code, d.SessionID, len(d.Tags), d.Dst, d.Src)
	start := "\n ["
	for t := range d.Tags.All() {
		b = append(b, start...)
		start = " ["
		b = t.AppendText(b)
		b = append(b, ']')
	}
	return b
}

// AppendText appends a tag in pppd's format: names and errors as escaped text, all else in
// hexadecimal.
func (t Tag) AppendText(b []byte) []byte {
	b = append(b, t.Type.String()...)
	if len(t.Value) == 0 {
		return b
	}
	b = append(b, ' ')
	if t.isText() {
		return AppendEscaped(b, t.Value)
	}
	for _, c := range t.Value {
		b = fmt.Appendf(b, " %02x", c)
	}
	return b
}

// AppendTruncated is like AppendText, but bounded, for logs that a peer must not fill: it appends
// at most MaxShownText characters of a text, or the first 32 octets of another value.
func (t Tag) AppendTruncated(b []byte) []byte {
	const octets = 32
	if !t.isText() {
		shown := Tag{t.Type, t.Value[:min(len(t.Value), octets)]}.AppendText(b)
		if len(t.Value) > octets {
			shown = append(shown, " ..."...)
		}
		return shown
	}
	b = append(b, t.Type.String()...)
	if len(t.Value) == 0 {
		return b
	}
	return appendTruncated(append(b, ' '), t.Value, MaxShownText)
}

// isText reports whether the value is text.
func (t Tag) isText() bool {
	return t.Type == TagServiceName || t.Type == TagACName || t.Type.IsError() || t.Type == TagMOTM || t.Type == TagHURL
}

// AppendEscaped appends untrusted text so that a terminal and a log can print it: whatever is not
// printable UTF-8 becomes an escape sequence.
func AppendEscaped(b, text []byte) []byte {
	for len(text) > 0 {
		var n int
		b, n = appendRune(b, text)
		text = text[n:]
	}
	return b
}

// appendRune appends the first character of a text, escaped if needed, and returns its length in
// octets.
func appendRune(b, text []byte) ([]byte, int) {
	r, n := utf8.DecodeRune(text)
	switch {
	case r == utf8.RuneError && n == 1, r < 0x20, r >= 0x7f && r < 0xa0:
		return fmt.Appendf(b, "\\%03o", text[0]), 1
	case r == '\\':
		return append(b, '\\', '\\'), n
	case unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp):
		// Characters that hide text, change its direction, or break lines.
		return fmt.Appendf(b, "\\u%04x", r), n
	}
	return append(b, text[:n]...), n
}

// Escape is like AppendEscaped, for strings.
func Escape(text string) string { return string(AppendEscaped(nil, []byte(text))) }

// Quote is like Escape, in double quotes; those of the text are escaped as \042.
func Quote(text string) string { return `"` + strings.ReplaceAll(Escape(text), `"`, `\042`) + `"` }

// How many characters of untrusted text a log shows: of a name, and of a message.
const (
	MaxShownName = 64
	MaxShownText = 256
)

// EscapeName returns an untrusted name for a log: escaped, and at most MaxShownName characters of
// that, followed by "..." if there are more.
func EscapeName(name string) string { return string(appendTruncated(nil, []byte(name), MaxShownName)) }

// EscapeText is like EscapeName, but for a message, and bounded by MaxShownText.
func EscapeText(text string) string { return string(appendTruncated(nil, []byte(text), MaxShownText)) }

// appendTruncated appends at most limit characters of an escaped text. An escape sequence is never
// split.
func appendTruncated(b, text []byte, limit int) []byte {
	for shown := 0; len(text) > 0; {
		before := len(b)
		next, n := appendRune(b, text)
		if shown += utf8.RuneCount(next[before:]); shown > limit {
			return append(next[:before], "..."...)
		}
		b, text = next, text[n:]
	}
	return b
}
