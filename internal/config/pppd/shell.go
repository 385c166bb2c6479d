package pppd

import (
	"errors"
	"fmt"
	"strings"
)

// shellWords splits the first simple command of a line as sh -c does, with which pppd runs its scripts:
// '...' is literal; in "..." a backslash quotes $ ` " \, outside it quotes any character. Redirections
// are omitted. Expansions are errors.
func shellWords(line string) (words []string, err error) {
	s := shell{rest: line}
	for {
		s.rest = strings.TrimLeft(s.rest, " \t")
		switch {
		case s.rest == "", strings.ContainsRune(";|&\n#", rune(s.rest[0])):
			return words, nil
		case s.rest[0] == '(' || s.rest[0] == ')':
			return nil, fmt.Errorf("the shell's %q is not supported: give one command", s.rest[:1])
		case s.rest[0] == '<' || s.rest[0] == '>':
			if err := s.redirection(); err != nil {
				return nil, err
			}
			continue
		}
		word, err := s.word()
		if err != nil {
			return nil, err
		}
		if s.rest != "" && (s.rest[0] == '<' || s.rest[0] == '>') && isNumber(word) {
			continue // the number of a redirected descriptor
		}
		words = append(words, word)
	}
}

func isNumber(word string) bool {
	return word != "" && strings.Trim(word, "0123456789") == ""
}

// shell holds the rest of a line.
type shell struct{ rest string }

// redirection skips a redirection and its target.
func (s *shell) redirection() error {
	s.rest = strings.TrimLeft(strings.TrimLeft(s.rest, "<>&"), " \t")
	_, err := s.word()
	return err
}

var errExpansion = errors.New("the shell's $ and ` are not expanded: write out their values")

// word reads one word.
func (s *shell) word() (string, error) {
	var text strings.Builder
	for s.rest != "" && !strings.ContainsRune(" \t\n;|&<>()", rune(s.rest[0])) {
		c := s.rest[0]
		s.rest = s.rest[1:]
		switch c {
		case '\'':
			quoted, after, closed := strings.Cut(s.rest, "'")
			if !closed {
				return "", errors.New("the quote ' is never closed")
			}
			text.WriteString(quoted)
			s.rest = after
		case '"':
			if err := s.doubleQuoted(&text); err != nil {
				return "", err
			}
		case '\\':
			if s.rest != "" {
				text.WriteByte(s.rest[0])
				s.rest = s.rest[1:]
			}
		case '$', '`':
			return "", errExpansion
		default:
			text.WriteByte(c)
		}
	}
	return text.String(), nil
}

// doubleQuoted reads to the closing quote.
func (s *shell) doubleQuoted(text *strings.Builder) error {
	for s.rest != "" {
		c := s.rest[0]
		s.rest = s.rest[1:]
		switch {
		case c == '"':
			return nil
		case c == '\\' && s.rest != "" && strings.ContainsRune("$`\"\\", rune(s.rest[0])):
			text.WriteByte(s.rest[0])
			s.rest = s.rest[1:]
		case c == '$' || c == '`':
			return errExpansion
		default:
			text.WriteByte(c)
		}
	}
	return errors.New(`the quote " is never closed`)
}
