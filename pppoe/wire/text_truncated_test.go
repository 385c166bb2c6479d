package wire

import (
	"strings"
	"testing"
)

// TestTruncated: a log shows a limited number of characters, and no part of an escape sequence.
func TestTruncated(t *testing.T) {
	x := strings.Repeat
	for _, c := range []struct{ name, want string }{
		{"", ""},
		{"alice", "alice"},
		{x("x", MaxShownName), x("x", MaxShownName)},
		{x("x", MaxShownName+1), x("x", MaxShownName) + "..."},
		{x("\u00fc", MaxShownName+1), x("\u00fc", MaxShownName) + "..."},
		{x("\x01", MaxShownName/4), x(`\001`, MaxShownName/4)},
		{x("\x01", 1300), x(`\001`, MaxShownName/4) + "..."},
		{x("x", MaxShownName-3) + "\x01", x("x", MaxShownName-3) + "..."},
		{x("x", MaxShownName-4) + "\x01", x("x", MaxShownName-4) + `\001`},
		{x("x", MaxShownName-2) + `\`, x("x", MaxShownName-2) + `\\`},
		{x("x", MaxShownName-1) + `\`, x("x", MaxShownName-1) + "..."},
		{x("x", MaxShownName-5) + "\u202e", x("x", MaxShownName-5) + "..."},
		{x("x", MaxShownName-6) + "\u202e", x("x", MaxShownName-6) + `\u202e`},
	} {
		if got := EscapeName(c.name); got != c.want {
			t.Errorf("of %q it shows\n%q, want\n%q", c.name, got, c.want)
		}
	}
	if got := EscapeText(x("x", MaxShownText+1)); got != x("x", MaxShownText)+"..." {
		t.Errorf("a message is truncated to %d characters", len(got))
	}
}

// TestTagTruncated: the same for tags.
func TestTagTruncated(t *testing.T) {
	for _, c := range []struct {
		tag  Tag
		want string
	}{
		{Tag{TagServiceName, nil}, "service-name"},
		{Tag{TagMOTM, []byte("closed\n")}, `motm closed\012`},
		{Tag{TagHURL, []byte(strings.Repeat("u", 1400))}, "hurl " + strings.Repeat("u", MaxShownText) + "..."},
		{Tag{TagACCookie, nil}, "AC-cookie"},
		{Tag{TagACCookie, make([]byte, 32)}, "AC-cookie " + strings.Repeat(" 00", 32)},
		{Tag{TagACCookie, make([]byte, 33)}, "AC-cookie " + strings.Repeat(" 00", 32) + " ..."},
	} {
		if got := string(c.tag.AppendTruncated(nil)); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// TestQuote: quotes inside the text do not end it, and control characters are escaped.
func TestQuote(t *testing.T) {
	for text, want := range map[string]string{"": `""`, "isp": `"isp"`, `a"b`: `"a\042b"`, "a\x1bb": `"a` + Escape("\x1b") + `b"`} {
		if got := Quote(text); got != want {
			t.Errorf("%q is quoted as %s, want %s", text, got, want)
		}
	}
}
