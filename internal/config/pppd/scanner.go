package pppd

import (
	"strconv"
	"strings"
	"unicode"
)

// Word is one word of a file or command line, with quotes and escapes resolved.
type Word struct {
	Text string
	File string // empty: the command line
	Line int    // the line on which it begins, from 1; 0: the command line
}

// Where returns FILE:LINE, or an empty string for the command line.
func (w Word) Where() string {
	if w.File == "" {
		return ""
	}
	return w.File + ":" + strconv.Itoa(w.Line)
}

// Lines splits a text into words, line by line (pppd(8), "OPTIONS FILES"). Words are separated by white
// space, which "..." and '...' preserve; \ takes the next character literally, except for C's escapes
// and \s, a space; \ at the end of a line continues it; # outside of quotes begins a comment, also
// within a word. Lines without words are omitted.
//
// The error is an *Error: an unclosed quote or an invalid escape.
func Lines(file, text string) (lines [][]Word, err error) {
	s := newScanner(file, text)
	for {
		fresh := s.skip() || lines == nil
		if s.text == "" {
			return lines, nil
		}
		w, err := s.word()
		if err != nil {
			return nil, err
		}
		if fresh {
			lines = append(lines, nil)
		}
		last := len(lines) - 1
		lines[last] = append(lines[last], w)
	}
}

// Entry is a line of a file whose lines are independent.
type Entry struct {
	Words []Word // one at least
	// Err is the error in the last word, or nil. The word's Text then ends at its first white space.
	Err error
}

// Entries is Lines for a file of accounts, in which an error affects one line alone: a quote ends with
// its line, closed or not, and the rest of a line after an error is omitted.
func Entries(file, text string) (all []Entry) {
	s := newScanner(file, text)
	s.byLine = true
	for {
		fresh := s.skip() || all == nil
		if s.text == "" {
			return all
		}
		w, err := s.word()
		if err != nil {
			if i := strings.IndexFunc(w.Text, unicode.IsSpace); i >= 0 {
				w.Text = w.Text[:i]
			}
			s.comment()
		}
		if fresh {
			all = append(all, Entry{})
		}
		last := &all[len(all)-1]
		last.Words, last.Err = append(last.Words, w), err
	}
}

// scanner holds the rest of a text.
type scanner struct {
	file, text string
	line       int
	byLine     bool // a quote ends with its line
}

// newScanner begins a text, whose lines may end with CR LF.
func newScanner(file, text string) scanner {
	return scanner{file: file, text: strings.ReplaceAll(text, "\r\n", "\n"), line: 1}
}

// take removes n octets.
func (s *scanner) take(n int) {
	s.line += strings.Count(s.text[:n], "\n")
	s.text = s.text[n:]
}

// skip skips white space and comments, and reports whether a line has ended.
func (s *scanner) skip() (ended bool) {
	for s.text != "" {
		switch c := s.text[0]; {
		case isSpace(c):
			ended = ended || c == '\n'
			s.take(1)
		case c == '#':
			s.comment()
		case strings.HasPrefix(s.text, "\\\n"):
			s.take(2)
		default:
			return ended
		}
	}
	return ended
}

func (s *scanner) comment() {
	if end := strings.IndexByte(s.text, '\n'); end >= 0 {
		s.take(end)
	} else {
		s.text = ""
	}
}

// word reads one word, up to white space or a comment outside of quotes.
func (s *scanner) word() (Word, error) {
	w := Word{File: s.file, Line: s.line}
	var text strings.Builder
	quote := byte(0)
	for s.text != "" {
		c := s.text[0]
		if quote == 0 && (isSpace(c) || c == '#') || s.byLine && c == '\n' {
			break
		}
		s.take(1)
		switch {
		case c == '\\':
			if err := s.escape(&text); err != nil {
				w.Text = text.String()
				return w, err
			}
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		default:
			text.WriteByte(c)
		}
	}
	w.Text = text.String()
	if quote != 0 && s.byLine {
		return w, errorAt(w, "the quote %c is not closed in its line", quote)
	}
	if quote != 0 {
		return w, errorAt(w, "the quote %c is never closed", quote)
	}
	return w, nil
}

// escapes are the letters with a special meaning after a backslash.
var escapes = map[byte]byte{'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 's': ' ', 't': '\t'}

// escape reads the characters after a backslash. In pppd they mean the same inside of quotes of either
// kind and outside.
func (s *scanner) escape(text *strings.Builder) error {
	at := Word{File: s.file, Line: s.line}
	if s.text == "" {
		return errorAt(at, "there is nothing after the last \\")
	}
	c := s.text[0]
	if octal := digits(s.text, 3, isOctal); octal != "" {
		s.number(text, octal, 8)
		return nil
	}
	s.take(1)
	if e, ok := escapes[c]; ok {
		text.WriteByte(e)
		return nil
	}
	switch c {
	case '\n': // a continued line
	case 'x':
		hexadecimal := digits(s.text, 2, isHexadecimal)
		if hexadecimal == "" {
			return errorAt(at, "\\x needs one or two hexadecimal digits after it")
		}
		s.number(text, hexadecimal, 16)
	default:
		text.WriteByte(c)
	}
	return nil
}

// number writes the lower octet of a character code.
func (s *scanner) number(text *strings.Builder, digits string, base int) {
	code, _ := strconv.ParseUint(digits, base, 16)
	text.WriteByte(byte(code))
	s.take(len(digits))
}

// digits returns the leading digits of a text, at most a given number.
func digits(text string, most int, is func(byte) bool) string {
	n := 0
	for n < most && n < len(text) && is(text[n]) {
		n++
	}
	return text[:n]
}

func isOctal(c byte) bool { return c >= '0' && c <= '7' }

func isHexadecimal(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// isSpace is C's isspace, which pppd uses.
func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
