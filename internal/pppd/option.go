package pppd

import (
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Role says whose options are read: some make sense on one side only.
type Role uint8

// Roles.
const (
	Client Role = 1 << iota
	Server
)

// status is what becomes of an option.
type status uint8

const (
	honoured status = iota
	ignored         // taken without effect, since it is for serial lines, modems or compression
	later           // taken without effect, and the log says so
	refused         // an error
)

// option is one row of the table.
type option struct {
	name    string
	args    string // names of its arguments, for people; empty: none
	help    string
	group   string
	roles   Role // 0: both
	status  status
	setting setter
}

func (o option) arguments() int { return len(strings.Fields(o.args)) }

// allowed says whether an option makes sense for a role.
func (o option) allowed(r Role) bool { return o.roles == 0 || o.roles&r != 0 }

// setter does what an option means; its error says what was expected, and the
// caller adds where.
type setter func(s *Settings, args []string) error

// expected is an error that says what a value should have been.
type expected string

func (e expected) Error() string { return string(e) }

func flag(set func(*Settings)) setter {
	return func(s *Settings, _ []string) error { set(s); return nil }
}

func text(set func(*Settings, string)) setter {
	return func(s *Settings, args []string) error { set(s, args[0]); return nil }
}

// number takes a decimal number within bounds.
func number(low, high int, set func(*Settings, int)) setter {
	return func(s *Settings, args []string) error {
		n, err := strconv.Atoi(args[0])
		if err != nil || n < low || n > high {
			return expected("give a number between " + strconv.Itoa(low) + " and " + strconv.Itoa(high))
		}
		set(s, n)
		return nil
	}
}

// maxSeconds is some 68 years.
const maxSeconds = 1<<31 - 1

func seconds(set func(*Settings, time.Duration)) setter {
	return number(0, maxSeconds, func(s *Settings, n int) { set(s, time.Duration(n)*time.Second) })
}

func count(set func(*Settings, int)) setter { return number(1, 1<<16, set) }

func address4(set func(*Settings, netip.Addr)) setter {
	return func(s *Settings, args []string) error {
		a, err := netip.ParseAddr(args[0])
		if err != nil || !a.Is4() {
			return expected("give an IPv4 address like 192.0.2.53")
		}
		set(s, a)
		return nil
	}
}

// two bounds a list of name servers to the two that RFC 1877 has room for.
func two(list func(*Settings) *[]netip.Addr) setter {
	return address4(func(s *Settings, a netip.Addr) {
		if l := list(s); len(*l) < 2 {
			*l = append(*l, a)
		}
	})
}

func octets(set func(*Settings, []byte)) setter {
	return func(s *Settings, args []string) error {
		b, err := hex.DecodeString(strings.TrimPrefix(args[0], "0x"))
		if err != nil || len(b) == 0 || len(b) > 128 {
			return expected("give hexadecimal digits, two an octet, like 0a1b2c")
		}
		set(s, b)
		return nil
	}
}

// require adds a method to those by which a peer may prove who it is.
func require(method string) setter {
	return flag(func(s *Settings) {
		s.Auth = true
		if !slices.Contains(s.Require, method) {
			s.Require = append(s.Require, method)
		}
	})
}

func refuse(method string) setter {
	return flag(func(s *Settings) { s.Refuse = append(s.Refuse, method) })
}
