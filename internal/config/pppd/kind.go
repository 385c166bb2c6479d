package pppd

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// kind is the kind of value that an option takes, and the function that stores it.
type kind struct {
	// arg is the value's name in the help; empty if the option takes no value.
	arg string
	// set parses and stores the value; its error says what is valid. nil if the value is ignored.
	set func(s *Settings, value string) error
}

// flag is an option without a value.
func flag(set func(*Settings)) kind {
	return kind{set: func(s *Settings, _ string) error { set(s); return nil }}
}

// ignoredValue accepts any value.
func ignoredValue(arg string) kind { return kind{arg: arg} }

func text(arg string, set func(*Settings, string)) kind {
	return kind{arg, func(s *Settings, v string) error { set(s, v); return nil }}
}

// number is an integer within bounds.
func number(arg string, low, high int, set func(*Settings, int)) kind {
	return kind{arg, func(s *Settings, v string) error {
		n, err := integer(v)
		if err != nil || n < low || n > high {
			return fmt.Errorf("give a number between %d and %d", low, high)
		}
		set(s, n)
		return nil
	}}
}

// integer parses a number as C's strtol with base 0 does, as pppd: 0x is hexadecimal, 0 octal.
func integer(v string) (int, error) {
	digits, base := v, 10
	if hexadecimal, ok := strings.CutPrefix(strings.ToLower(v), "0x"); ok {
		digits, base = hexadecimal, 16
	} else if len(v) > 1 && v[0] == '0' {
		base = 8
	}
	n, err := strconv.ParseInt(digits, base, 0)
	return int(n), err
}

// octetLimit is a number of octets, which may be larger than an int of 32 bits.
func octetLimit(field func(*Settings) *uint64) kind {
	const most uint64 = 1 << 62
	return kind{"N", func(s *Settings, v string) error {
		n, err := strconv.ParseUint(v, 10, 64)
		if err != nil || n > most {
			return fmt.Errorf("give a number between 0 and %d", most)
		}
		*field(s) = n
		return nil
	}}
}

// size is a packet size in octets (pppd(8), "mru n").
func size(field func(*Settings) *int) kind {
	return number("N", 128, 16384, func(s *Settings, n int) { *field(s) = n })
}

// count is a number of attempts.
func count(field func(*Settings) *int) kind {
	return number("N", 1, 1<<16, func(s *Settings, n int) { *field(s) = n })
}

// maxSeconds is some 68 years.
const maxSeconds = 1<<31 - 1

// seconds is a time that may be 0.
func seconds(field func(*Settings) *time.Duration) kind {
	return number("SECONDS", 0, maxSeconds, func(s *Settings, n int) { *field(s) = time.Duration(n) * time.Second })
}

// interval is the time between repetitions: 0 is invalid.
func interval(field func(*Settings) *time.Duration) kind {
	return number("SECONDS", 1, maxSeconds, func(s *Settings, n int) { *field(s) = time.Duration(n) * time.Second })
}

// timeout is a time for which pppd's 0 means no limit; it is stored as a negative value.
func timeout(field func(*Settings) *time.Duration) kind {
	return number("SECONDS", 0, maxSeconds, func(s *Settings, n int) {
		*field(s) = time.Duration(n) * time.Second
		if n == 0 {
			*field(s) = -1
		}
	})
}

// limits returns the four options of an automaton (RFC 1661 section 4.6).
func limits(protocol string, field func(*Settings) *ppp.NegotiationLimits) []option {
	return []option{
		{name: protocol + "-restart", help: "time until a request is sent again (default 3)",
			kind: interval(func(s *Settings) *time.Duration { return &field(s).Restart })},
		{name: protocol + "-max-configure", help: "maximum number of Configure-Requests without an answer (default 10)",
			kind: count(func(s *Settings) *int { return &field(s).MaxConfigure })},
		{name: protocol + "-max-terminate", help: "maximum number of Terminate-Requests without an answer (default 2)",
			kind: count(func(s *Settings) *int { return &field(s).MaxTerminate })},
		{name: protocol + "-max-failure", help: "maximum number of Configure-Naks before a Configure-Reject is sent instead (default 5)",
			kind: count(func(s *Settings) *int { return &field(s).MaxFailure })},
	}
}

// servers keeps the last two addresses: RFC 1877 has a primary and a secondary server.
func servers(list func(*Settings) *[]netip.Addr) kind {
	return kind{"ADDRESS", func(s *Settings, v string) error {
		a, err := netip.ParseAddr(v)
		if err != nil || !a.Is4() {
			return errors.New("give an IPv4 address like 192.0.2.53")
		}
		l := append(*list(s), a)
		*list(s) = l[max(0, len(l)-2):]
		return nil
	}}
}

// maxHostUniq is the maximum length of a Host-Uniq tag, in octets, which leaves room for the other tags.
const maxHostUniq = 1024

// octets is a value in hexadecimal digits, which may be empty.
func octets(set func(*Settings, []byte)) kind {
	return kind{"HEX", func(s *Settings, v string) error {
		b, err := hex.DecodeString(strings.TrimPrefix(v, "0x"))
		if err != nil || len(b) > maxHostUniq {
			return errors.New("give up to 2048 hexadecimal digits, two an octet, like 0a1b2c, or \"\"")
		}
		set(s, b)
		return nil
	}}
}

// ethernet is a unicast Ethernet address.
func ethernet(set func(*Settings, string)) kind {
	return kind{"ADDRESS", func(s *Settings, v string) error {
		v = twoDigits(v)
		if a, err := wire.ParseAddr(v); err != nil || !a.IsUnicast() {
			return errors.New("give a unicast Ethernet address like 02:00:5e:00:53:01: its first octet is even")
		}
		set(s, v)
		return nil
	}}
}

// twoDigits adds the leading zeros of an Ethernet address, which pppd lets users omit.
func twoDigits(address string) string {
	octets := strings.Split(address, ":")
	for i, o := range octets {
		if len(o) == 1 {
			octets[i] = "0" + o
		}
	}
	return strings.Join(octets, ":")
}

// identifiers parses a pair of interface identifiers, each written as an IPv6 address whose first half
// is zero.
func identifiers(s *Settings, value string) error {
	local, remote, _ := strings.Cut(value, ",")
	for _, side := range []struct {
		text string
		to   *ipv6cp.ID
	}{{local, &s.LocalID}, {remote, &s.RemoteID}} {
		if side.text == "" {
			continue
		}
		a, err := netip.ParseAddr(side.text)
		if err != nil || !a.Is6() || a.Zone() != "" || a.IsUnspecified() || binary.BigEndian.Uint64(a.AsSlice()) != 0 {
			return errors.New("give interface identifiers like ::1,::2")
		}
		*side.to = ipv6cp.ID(a.AsSlice()[8:])
	}
	s.NoIPv6 = false
	return nil
}

// noService is pppd's value for sending no Service-Name tag.
const noService = "NO-SERVICE-NAME-NON-RFC-COMPLIANT"

func service(s *Settings, value string) error {
	if len(value) > discovery.MaxService {
		return fmt.Errorf("give at most %d octets", discovery.MaxService)
	}
	s.Service, s.OmitService = value, false
	if value == noService {
		s.Service, s.OmitService = "", true
	}
	return nil
}

func plugin(s *Settings, path string) error {
	switch filepath.Base(path) {
	case "pppoe.so", "rp-pppoe.so":
		s.Plugin = true
		return nil
	case "passwordfd.so", "radattr.so": // option passwordfd needs no plugin; there are no RADIUS attributes
		return nil
	}
	return errors.New("only pppoe.so, rp-pppoe.so and passwordfd.so, which are built in, and radattr.so, which is ignored, are supported")
}

// require adds a method to those with which the peer may authenticate itself.
func require(method string) kind {
	return flag(func(s *Settings) {
		s.Auth, s.NoAuth = true, false
		if !slices.Contains(s.Require, method) {
			s.Require = append(s.Require, method)
		}
	})
}

// refuse removes a method from those with which we authenticate ourselves.
func refuse(method string) kind {
	return flag(func(s *Settings) {
		if !slices.Contains(s.Refuse, method) {
			s.Refuse = append(s.Refuse, method)
		}
	})
}

// tags parses the VLAN tags of the session's frames.
func tags(s *Settings, value string) (err error) {
	s.VLAN, err = vlan.Parse(value)
	return err
}

// variable parses the name of a variable that is removed from the environment of scripts.
func variable(s *Settings, value string) error {
	if value == "" || strings.Contains(value, "=") {
		return errors.New("give the name of a variable, without a value")
	}
	s.ScriptEnv = append(s.ScriptEnv, value)
	return nil
}

// attach parses an existing session, which is attached to without discovery.
func attach(s *Settings, value string) error {
	if _, _, err := s.parseAttach(value); err != nil {
		return err
	}
	s.Attach = value
	return nil
}

// Attached returns the session of option pppoe-sess. ok is false if there is none.
func (s *Settings) Attached() (id uint16, ac wire.Addr, ok bool) {
	id, ac, err := s.parseAttach(s.Attach)
	return id, ac, err == nil
}

func (*Settings) parseAttach(value string) (uint16, wire.Addr, error) {
	number, address, _ := strings.Cut(value, ":")
	id, err := strconv.ParseUint(number, 10, 16)
	ac, bad := wire.ParseAddr(twoDigits(address))
	if err != nil || bad != nil || id == 0 || id == 0xffff || !ac.IsUnicast() {
		return 0, ac, errors.New("give a session and its concentrator, like 1:02:00:5e:00:53:01")
	}
	return uint16(id), ac, nil
}

// accessLine stores an access line identifier, whose length TR-101 limits.
func accessLine(field func(*Settings) *string) func(*Settings, string) error {
	return func(s *Settings, v string) error {
		if len(v) > wire.MaxAccessLine {
			return fmt.Errorf("give at most %d octets", wire.MaxAccessLine)
		}
		*field(s) = v
		return nil
	}
}

// metric is the metric of a route; pppd's -1 is the default.
func metric(field func(*Settings) **int) kind {
	return number("N", -1, maxSeconds, func(s *Settings, n int) {
		*field(s) = &n
		if n < 0 {
			*field(s) = nil
		}
	})
}

// direction parses pppd's mo-direction.
func direction(s *Settings, value string) error {
	ways := map[string]pppoe.Counting{"sum": pppoe.CountSum, "in": pppoe.CountReceived, "out": pppoe.CountSent, "max": pppoe.CountLarger}
	way, ok := ways[value]
	if !ok {
		return errors.New("give sum, in, out or max")
	}
	s.Count = way
	return nil
}

// resolv parses how the system's resolver is configured.
func resolv(s *Settings, value string) error {
	switch value {
	case "auto", "resolved", "resolvconf", "file":
		s.Resolv = value
		return nil
	case "none":
		s.Resolv = ""
		return nil
	}
	return errors.New("give auto, resolved, resolvconf, file or none")
}

// fileName stores a value that becomes part of a file name.
func fileName(field func(*Settings) *string) func(*Settings, string) error {
	return func(s *Settings, v string) error {
		if v == "" || strings.ContainsAny(v, "/\x00") || len(v) > 200 {
			return errors.New("give a valid file name of at most 200 octets, without /")
		}
		*field(s) = v
		return nil
	}
}

// assignment parses a variable for scripts.
func assignment(s *Settings, value string) error {
	if name, _, ok := strings.Cut(value, "="); !ok || name == "" {
		return errors.New("give NAME=VALUE")
	}
	s.ScriptEnv = append(s.ScriptEnv, value)
	return nil
}

// dataPath parses the kind of data path.
func dataPath(s *Settings, value string) (err error) {
	s.DataPath, err = datapath.ParseKind(value)
	return err
}
