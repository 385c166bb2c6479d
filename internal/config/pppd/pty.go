package pppd

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"upppoe/pppoe/wire"
)

// pty accepts rp-pppoe's user-mode program as rp-pppoe, pppoeconf and RHEL configure it: pty "pppoe -I
// eth0 -T 80 -m 1412". The program is not run; its options are read, as this client does its work. Any
// other command is ignored with a warning.
func pty(s *Settings, command string) error {
	words, err := shellWords(command)
	if err != nil {
		return err
	}
	words = withoutLauncher(words)
	if len(words) == 0 || filepath.Base(words[0]) != "pppoe" {
		s.Warnings = append(s.Warnings, `option "pty" has no effect: only rp-pppoe's "pppoe -I INTERFACE ..." is supported, as sessions run over Ethernet`)
		return nil
	}
	if s.Interface == "" {
		s.Interface = "eth0" // pppoe's default
	}
	return ptyOptions(s, words[1:])
}

// assigned matches a word with which a shell sets a variable for a command.
var assigned = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)

// withoutLauncher removes the words before the program's name in a shell command.
func withoutLauncher(words []string) []string {
	for len(words) > 0 {
		switch word := words[0]; {
		case word == "exec", word == "command", word == "nohup", word == "setsid", word == "env", assigned.MatchString(word):
			words = words[1:]
		default:
			return words
		}
	}
	return words
}

// Options of rp-pppoe's pppoe without a value: those that are ignored, and those with which it does
// something else than carry a session.
const (
	ptyFlags     = "nsU"
	ptyNoSession = "AVdhk"
)

// ptyValues are the options with a value, and how it is stored; nil if it is ignored.
var ptyValues = map[byte]func(s *Settings, value string) error{
	'I': func(s *Settings, v string) error {
		if v == "" {
			return errors.New("give the name of an Ethernet interface")
		}
		s.Interface = v
		return nil
	},
	'S': service,
	'C': func(s *Settings, v string) error { s.ACNames = []string{v}; return nil },
	'm': ptyMSS,
	'e': attach,
	'W': func(s *Settings, v string) error {
		if v == "" || len(v) > maxHostUniq {
			return fmt.Errorf("give 1 to %d octets", maxHostUniq)
		}
		s.HostUniq = []byte(v) // literal, not hexadecimal
		return nil
	},
	't': ptySeconds(3600, func(s *Settings, d time.Duration) { s.PADITimeout = d }),
	'T': ptySeconds(maxSeconds, func(s *Settings, d time.Duration) { s.SilenceLimit = d }),
	'H': func(s *Settings, v string) error {
		v = twoDigits(v)
		if a, err := wire.ParseAddr(v); err != nil || !a.IsUnicast() {
			return errors.New("give a unicast Ethernet address like 02:00:5e:00:53:01")
		}
		s.SourceAddr = v
		return nil
	},
	'f': func(_ *Settings, v string) error {
		if strings.ToLower(v) != "8863:8864" {
			return errors.New("only PPPoE's own ethertypes, 8863:8864, are supported")
		}
		return nil
	},
	'D': nil, 'F': nil, 'p': nil,
}

// ptyMSS parses pppoe's -m, the limit for TCP's MSS.
func ptyMSS(s *Settings, v string) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < 536 || n > 1452 { // pppoe's bounds
		return errors.New("give an MSS between 536 and 1452")
	}
	s.MSS = n
	return nil
}

func ptySeconds(most int, set func(*Settings, time.Duration)) func(*Settings, string) error {
	return func(s *Settings, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > most {
			return fmt.Errorf("give a number of seconds between 1 and %d", most)
		}
		set(s, time.Duration(n)*time.Second)
		return nil
	}
}

// ptyOptions parses the options as getopt does: letters may share a word, and a value may be in the
// same word or the next.
func ptyOptions(s *Settings, words []string) error {
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		if word == "--" {
			return nil
		}
		letters, isOption := strings.CutPrefix(word, "-")
		if !isOption || letters == "" {
			return fmt.Errorf("pppoe takes options only, not %q", word)
		}
		for letters != "" {
			letter := letters[0]
			letters = letters[1:]
			if set, takes := ptyValues[letter]; takes {
				if letters == "" && len(words) == 0 {
					return fmt.Errorf("pppoe's option -%c needs a value", letter)
				}
				value := letters
				if letters == "" {
					value, words = words[0], words[1:]
				}
				letters = ""
				if err := ptyValue(s, letter, value, set); err != nil {
					return err
				}
			} else if err := ptyFlag(letter); err != nil {
				return err
			}
		}
	}
	return nil
}

func ptyValue(s *Settings, letter byte, value string, set func(*Settings, string) error) error {
	if set == nil {
		return nil
	}
	if err := set(s, value); err != nil {
		return fmt.Errorf("pppoe -%c %s: %w", letter, value, err)
	}
	return nil
}

func ptyFlag(letter byte) error {
	switch {
	case strings.IndexByte(ptyFlags, letter) >= 0:
		return nil
	case strings.IndexByte(ptyNoSession, letter) >= 0:
		return fmt.Errorf("pppoe -%c opens no session: leave it out", letter)
	}
	return fmt.Errorf("pppoe has no option -%c", letter)
}
