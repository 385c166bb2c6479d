package pppd

import (
	"strconv"
	"strings"
	"unicode"
)

// Word is one word of a file or command line, without its quotes and escapes.
type Word struct {
	Text string
	File string // empty: the command line
	Line int    // on which it begins, from 1 on; 0: the command line
}

// Where is FILE:LINE, and empty for the command line.
func (w Word) Where() string {
	if w.File == "" {
		return ""
	}
	return w.File + ":" + strconv.Itoa(w.Line)
}

// Lines splits a text into words, line by line: words are parted by white space;
// "..." and '...' keep it; \ takes the next character as it is, but for C's
// escapes and \s, a space; \ at the end of a line goes on in the next; # begins a
// comment outside of quotes, also within a word (pppd(8), "OPTIONS FILES"). Lines
// without words are left out.
//
// The error, an *Error, tells of a quote without its end and of a broken escape.
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

// Entry is a line of a file each line of which stands for itself.
type Entry struct {
	Words []Word // one at least
	// Err is what is wrong with the last of the words, of which Text then is what comes
	// before the white space in it; nil: nothing.
	Err error
}

// Entries is Lines for a file of accounts, in which a fault costs one of them alone: a quote
// ends with its line, whether it is closed or not, and what follows a fault in the line is
// left out.
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

// scanner holds what is not yet read of a text.
type scanner struct {
	file, text string
	line       int
	byLine     bool // a quote ends with its line
}

// newScanner begins a text, in which lines may end as those of Windows do.
func newScanner(file, text string) scanner {
	return scanner{file: file, text: strings.ReplaceAll(text, "\r\n", "\n"), line: 1}
}

// take removes n characters.
func (s *scanner) take(n int) {
	s.line += strings.Count(s.text[:n], "\n")
	s.text = s.text[n:]
}

// skip passes white space and comments, and reports whether a line has ended.
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

// word reads one word, which ends at white space or a comment outside of quotes.
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

// escapes are those that stand for something else than themselves.
var escapes = map[byte]byte{'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 's': ' ', 't': '\t'}

// escape reads what follows a backslash: in pppd it means the same inside of
// either quotes and outside of them.
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
	case '\n': // the line goes on
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

// number writes the character of a code, of which the lower octet counts.
func (s *scanner) number(text *strings.Builder, digits string, base int) {
	code, _ := strconv.ParseUint(digits, base, 16)
	text.WriteByte(byte(code))
	s.take(len(digits))
}

// digits are those that begin a text, most of them at most.
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

// isSpace is C's isspace, which pppd asks.
func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
