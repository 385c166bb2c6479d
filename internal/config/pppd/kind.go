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

// kind is what sort of value an option takes, and where it goes.
type kind struct {
	// arg is the value's name, for people; empty: the option takes none.
	arg string
	// set says in its error what was expected of the value. nil: the value is
	// of no use.
	set func(s *Settings, value string) error
}

// flag is an option without a value.
func flag(set func(*Settings)) kind {
	return kind{set: func(s *Settings, _ string) error { set(s); return nil }}
}

// ignoredValue takes a value without looking at it.
func ignoredValue(arg string) kind { return kind{arg: arg} }

func text(arg string, set func(*Settings, string)) kind {
	return kind{arg, func(s *Settings, v string) error { set(s, v); return nil }}
}

// number is within bounds.
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

// integer reads a number as C does, and so pppd: 0x begins a hexadecimal one, and 0 an
// octal one.
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

// octetLimit is how many octets there may be: more than an int has room for where that has 32
// bits.
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

// size is how long a packet may be (pppd(8), "mru n").
func size(field func(*Settings) *int) kind {
	return number("N", 128, 16384, func(s *Settings, n int) { *field(s) = n })
}

// count is how often something is tried.
func count(field func(*Settings) *int) kind {
	return number("N", 1, 1<<16, func(s *Settings, n int) { *field(s) = n })
}

// maxSeconds is some 68 years.
const maxSeconds = 1<<31 - 1

// seconds may be 0 where that is a time like others, or the default.
func seconds(field func(*Settings) *time.Duration) kind {
	return number("SECONDS", 0, maxSeconds, func(s *Settings, n int) { *field(s) = time.Duration(n) * time.Second })
}

// interval is a time after which something is repeated: 0 would be no end of it.
func interval(field func(*Settings) *time.Duration) kind {
	return number("SECONDS", 1, maxSeconds, func(s *Settings, n int) { *field(s) = time.Duration(n) * time.Second })
}

// timeout is a time of which pppd's 0 means no limit, as a negative one does
// here.
func timeout(field func(*Settings) *time.Duration) kind {
	return number("SECONDS", 0, maxSeconds, func(s *Settings, n int) {
		*field(s) = time.Duration(n) * time.Second
		if n == 0 {
			*field(s) = -1
		}
	})
}

// limits are the four options of an automaton (RFC 1661 section 4.6).
func limits(protocol string, field func(*Settings) *ppp.Limits) []option {
	return []option{
		{name: protocol + "-restart", help: "until a request is sent again (default 3)",
			kind: interval(func(s *Settings) *time.Duration { return &field(s).Restart })},
		{name: protocol + "-max-configure", help: "Configure-Requests without an answer (default 10)",
			kind: count(func(s *Settings) *int { return &field(s).MaxConfigure })},
		{name: protocol + "-max-terminate", help: "Terminate-Requests without an answer (default 2)",
			kind: count(func(s *Settings) *int { return &field(s).MaxTerminate })},
		{name: protocol + "-max-failure", help: "Configure-Naks before options are rejected outright (default 5)",
			kind: count(func(s *Settings) *int { return &field(s).MaxFailure })},
	}
}

// servers keeps the last two addresses given, as RFC 1877 has room for two.
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

// maxHostUniq bounds a Host-Uniq, in octets.
const maxHostUniq = 1024

// octets are written in hexadecimal digits, of which there may be none. A frame has room for as
// many, and for the other tags.
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

// ethernet is the address of a station.
func ethernet(set func(*Settings, string)) kind {
	return kind{"ADDRESS", func(s *Settings, v string) error {
		v = twoDigits(v)
		if a, err := wire.ParseAddr(v); err != nil || !a.IsUnicast() {
			return errors.New("give an Ethernet address like 02:00:5e:00:53:01, of one station: the first octet is even")
		}
		set(s, v)
		return nil
	}}
}

// twoDigits writes an Ethernet address in full, of which pppd lets leading zeros be left
// out.
func twoDigits(address string) string {
	octets := strings.Split(address, ":")
	for i, o := range octets {
		if len(o) == 1 {
			octets[i] = "0" + o
		}
	}
	return strings.Join(octets, ":")
}

// identifiers are a pair of interface identifiers, each written as an IPv6 address
// whose first half is zero.
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

// noService is pppd's own word for leaving the Service-Name tag out.
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
	case "passwordfd.so", "radattr.so": // option passwordfd is there without; RADIUS's attributes there are none
		return nil
	}
	return errors.New("only pppoe.so, rp-pppoe.so and passwordfd.so, which are built in, and radattr.so, which has no effect, can be named")
}

// require adds a method to those by which the peer may prove who it is.
func require(method string) kind {
	return flag(func(s *Settings) {
		s.Auth, s.NoAuth = true, false
		if !slices.Contains(s.Require, method) {
			s.Require = append(s.Require, method)
		}
	})
}

// refuse takes a method from those by which we prove who we are.
func refuse(method string) kind {
	return flag(func(s *Settings) {
		if !slices.Contains(s.Refuse, method) {
			s.Refuse = append(s.Refuse, method)
		}
	})
}

// tags are the VLAN tags of a line.
func tags(s *Settings, value string) (err error) {
	s.VLAN, err = vlan.Parse(value)
	return err
}

// variable is one that no script gets.
func variable(s *Settings, value string) error {
	if value == "" || strings.Contains(value, "=") {
		return errors.New("give the variable's name alone")
	}
	s.ScriptEnv = append(s.ScriptEnv, value)
	return nil
}

// attach is a session that discovery has found already.
func attach(s *Settings, value string) error {
	if _, _, err := s.parseAttach(value); err != nil {
		return err
	}
	s.Attach = value
	return nil
}

// Attached is the session of pppoe-sess; no: there is none.
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

// accessLine bounds what TR-101 bounds.
func accessLine(field func(*Settings) *string) func(*Settings, string) error {
	return func(s *Settings, v string) error {
		if len(v) > wire.MaxAccessLine {
			return fmt.Errorf("give at most %d octets", wire.MaxAccessLine)
		}
		*field(s) = v
		return nil
	}
}

// metric is a route's; pppd's -1 stands for its default.
func metric(field func(*Settings) **int) kind {
	return number("N", -1, maxSeconds, func(s *Settings, n int) {
		*field(s) = &n
		if n < 0 {
			*field(s) = nil
		}
	})
}

// direction is pppd's mo-direction.
func direction(s *Settings, value string) error {
	ways := map[string]pppoe.Counting{"sum": pppoe.CountSum, "in": pppoe.CountReceived, "out": pppoe.CountSent, "max": pppoe.CountLarger}
	way, ok := ways[value]
	if !ok {
		return errors.New("give sum, in, out or max")
	}
	s.Count = way
	return nil
}

// resolv is how the system is told of name servers.
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

// fileName becomes part of the name of a file.
func fileName(field func(*Settings) *string) func(*Settings, string) error {
	return func(s *Settings, v string) error {
		if v == "" || strings.ContainsAny(v, "/\x00") || len(v) > 200 {
			return errors.New("give a name that a file can have")
		}
		*field(s) = v
		return nil
	}
}

// assignment is a variable for scripts.
func assignment(s *Settings, value string) error {
	if name, _, ok := strings.Cut(value, "="); !ok || name == "" {
		return errors.New("give NAME=VALUE")
	}
	s.ScriptEnv = append(s.ScriptEnv, value)
	return nil
}

// dataPath is what moves packets.
func dataPath(s *Settings, value string) (err error) {
	s.DataPath, err = datapath.ParseKind(value)
	return err
}
