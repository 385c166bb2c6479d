package pppoe

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// AppendText appends a discovery packet in pppd's words, in three lines, the first
// of which wants "Send " or "Recv " before it. What a stranger wrote is escaped.
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

// AppendText appends a tag in pppd's words: names and errors as text, all
// else in hexadecimal.
func (t Tag) AppendText(b []byte) []byte {
	b = append(b, t.Type.String()...)
	if len(t.Value) == 0 {
		return b
	}
	b = append(b, ' ')
	if t.Type == TagServiceName || t.Type == TagACName || t.Type.IsError() || t.Type == TagMOTM || t.Type == TagHURL {
		return AppendEscaped(b, t.Value)
	}
	for _, c := range t.Value {
		b = fmt.Appendf(b, " %02x", c)
	}
	return b
}

// AppendEscaped appends text of a stranger so that a terminal and a log can bear
// it: whatever is not printable UTF-8 becomes an escape.
func AppendEscaped(b, text []byte) []byte {
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && n == 1, r < 0x20, r >= 0x7f && r < 0xa0:
			b = fmt.Appendf(b, "\\%03o", text[0])
			n = 1
		case r == '\\':
			b = append(b, '\\', '\\')
		case unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp):
			// What hides text, turns its direction, or parts lines.
			b = fmt.Appendf(b, "\\u%04x", r)
		default:
			b = append(b, text[:n]...)
		}
		text = text[n:]
	}
	return b
}

// Escape is AppendEscaped for strings.
func Escape(text string) string { return string(AppendEscaped(nil, []byte(text))) }
