package scripts

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"upppoe/pppoe/wire"
)

// shellSpecial are characters with a meaning for a shell that does not quote, or for its echo. A
// backslash is one: the echo of some shells, such as dash, makes control characters of \033.
const shellSpecial = "\\`$\"'&|;<>(){}[]*?!#~^"

// sanitize is a peer's text as a script may have it: each character that is not printable, or that
// a careless shell acts on, is an underscore; and so is a first -, or it could be an option of a
// program that the script runs. It has at most as many characters as a log shows.
func sanitize(text string) string {
	var out []rune
	for i, r := range text {
		switch {
		case len(out) == wire.MaxShownText:
			return string(out)
		case !unicode.IsPrint(r), r == utf8.RuneError, strings.ContainsRune(shellSpecial, r), i == 0 && r == '-':
			r = '_'
		}
		out = append(out, r)
	}
	return string(out)
}

// sanitizeValues sanitizes the values of variables, which a server has chosen.
func sanitizeValues(env []string) (out []string) {
	for _, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		out = append(out, name+"="+sanitize(value))
	}
	return out
}
