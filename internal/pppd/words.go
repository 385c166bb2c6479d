package pppd

import (
	"fmt"
	"strings"
)

// Word is one word of a file or command line, without its quotes and escapes.
type Word struct {
	Text string
	File string // empty: the command line
	Line int    // from 1 on; 0: the command line
}

// Where is what an error message begins with: FILE:LINE, or "command line".
func (w Word) Where() string {
	if w.File == "" {
		return "command line"
	}
	return fmt.Sprintf("%s:%d", w.File, w.Line)
}

// Error is a fault of a configuration: a word that means nothing, a value out of
// range. The program should end with exit code 2.
type Error struct {
	At      Word
	Message string
}

// Error names file and line.
func (e *Error) Error() string { return e.At.Where() + ": " + e.Message }

func fault(at Word, format string, args ...any) error {
	return &Error{at, fmt.Sprintf(format, args...)}
}

// maxFile bounds what is read of a file, in octets.
const maxFile = 1 << 20

// Lines splits a text into words, line by line: words are parted by white space;
// "..." and '...' keep it; \ takes the next character as it is, and # begins a
// comment (pppd(8), "OPTIONS FILES"). Lines without words are left out.
//
// The error, an *Error, tells of a quote without its end.
func Lines(file, text string) (lines [][]Word, err error) {
	s := scanner{file: file, text: text, line: 1}
	for {
		line, more, err := s.next()
		if err != nil {
			return nil, err
		}
		if len(line) > 0 {
			lines = append(lines, line)
		}
		if !more {
			return lines, nil
		}
	}
}

type scanner struct {
	file, text string
	line       int
}

func (s *scanner) next() (words []Word, more bool, err error) {
	for s.text != "" {
		switch c := s.text[0]; {
		case c == '\n':
			s.text, s.line = s.text[1:], s.line+1
			return words, true, nil
		case c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v':
			s.text = s.text[1:]
		case c == '#':
			s.comment()
		case strings.HasPrefix(s.text, "\\\n"):
			s.text, s.line = s.text[2:], s.line+1
		default:
			w, err := s.word()
			if err != nil {
				return nil, false, err
			}
			words = append(words, w)
		}
	}
	return words, false, nil
}

func (s *scanner) comment() {
	if end := strings.IndexByte(s.text, '\n'); end >= 0 {
		s.text = s.text[end:]
	} else {
		s.text = ""
	}
}

// word reads one word, which ends at white space outside of quotes.
func (s *scanner) word() (Word, error) {
	w := Word{File: s.file, Line: s.line}
	var text strings.Builder
	quote := byte(0)
	for s.text != "" {
		c := s.text[0]
		if quote == 0 && strings.IndexByte(" \t\r\f\v\n", c) >= 0 {
			break
		}
		s.text = s.text[1:]
		switch {
		case c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == '\\' && quote != '\'' && s.text != "":
			s.escape(&text)
		default:
			if c == '\n' {
				s.line++
			}
			text.WriteByte(c)
		}
	}
	w.Text = text.String()
	if quote != 0 {
		return w, fault(w, "the quote %c is never closed", quote)
	}
	return w, nil
}

// escapes are those that stand for something else than themselves.
var escapes = map[byte]byte{'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 's': ' ', 't': '\t'}

func (s *scanner) escape(text *strings.Builder) {
	c := s.text[0]
	s.text = s.text[1:]
	if c == '\n' {
		s.line++
		return
	}
	if octal := digits(string(c) + s.text); octal > 0 {
		value := 0
		for _, d := range (string(c) + s.text)[:octal] {
			value = value*8 + int(d-'0')
		}
		s.text = s.text[octal-1:]
		text.WriteByte(byte(value))
		return
	}
	if e, ok := escapes[c]; ok {
		c = e
	}
	text.WriteByte(c)
}

// digits counts the octal digits that begin a text, up to three.
func digits(text string) (n int) {
	for n < 3 && n < len(text) && text[n] >= '0' && text[n] <= '7' {
		n++
	}
	return n
}
