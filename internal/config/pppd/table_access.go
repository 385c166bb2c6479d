package pppd

import (
	"errors"
	"fmt"
	"strings"

	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/limit"
	"upppoe/pppoe/wire"
)

// accessOptions are the options that limit which clients a server answers, and how many sessions they
// may have.
var accessOptions = []option{
	{name: "service", roles: Server, help: "a Service-Name to offer, like -S; may be repeated; in quotes, with options after -- that override the policy of all sessions, and that options of an account override: " +
		"\"gold -- rate-up 20000 rate-down 100000\"",
		kind: ignoredValue("SERVICE")}, // Reader.service reads it
	{name: "mac-allow", roles: Server, help: "answer only clients with these Ethernet addresses: a list of addresses, first octets (02:00:5e) and prefixes (02:00:5e:00:53:00/40), " +
		"separated by commas; @FILE: a file of them, one per line; may be repeated",
		kind: kind{"LIST", addrList(func(s *Settings) *[]wire.AddrPrefix { s.MACAllowGiven = true; return &s.MACAllow })}},
	{name: "mac-deny", roles: Server, help: "do not answer clients with these Ethernet addresses, even if mac-allow has them; a list like that of mac-allow; may be repeated",
		kind: kind{"LIST", addrList(func(s *Settings) *[]wire.AddrPrefix { return &s.MACDeny })}},
	{name: "session-limit", roles: Server, help: "maximum number of sessions, like interface=20000,vlan=100 (default: none); of the server and of one client: see -N and -x",
		kind: kind{"LIMITS", sessionLimit}},
	{name: "half-open-limit", roles: Server, help: "maximum number of sessions that are not yet authenticated and in their network phase, like total=10000,interface=5000,vlan=20,client=4 (default: none)",
		kind: kind{"LIMITS", accessLimit(func(a *pppoe.AccessConfig) *limit.Limits { return &a.HalfOpen })}},
	{name: "padi-limit", roles: Server, help: "maximum number of PADIs that are answered in a second, like interface=5000,vlan=100,client=5; none: no limit; a quarter is for clients that repeat one or had a session before " +
		"(default " + limit.DefaultPADIs.String() + ")",
		kind: kind{"LIMITS", accessLimit(func(a *pppoe.AccessConfig) *limit.Limits { return &a.PADIs })}},
	{name: "padr-limit", roles: Server, help: "maximum number of PADRs that are handled in a second; values are those of padi-limit (default " + limit.DefaultPADRs.String() + ")",
		kind: kind{"LIMITS", accessLimit(func(a *pppoe.AccessConfig) *limit.Limits { return &a.PADRs })}},
	{name: "pado-delay", roles: Server, help: "wait some milliseconds before answering a PADI, so that another concentrator is chosen first, by the number of sessions, as in accel-ppp: 0,100:100,200:500,-1:1000 waits " +
		"100 ms from 100 sessions on, 200 ms from 500 on, and does not answer from 1000 on (default 0)",
		kind: kind{"DELAYS", func(s *Settings, v string) (err error) {
			s.Access.PADODelay, err = discovery.ParsePADODelay(v)
			return err
		}}},
}

func accessLimit(field func(*pppoe.AccessConfig) *limit.Limits) func(*Settings, string) error {
	return func(s *Settings, v string) (err error) {
		*field(&s.Access), err = limit.Parse(v)
		return err
	}
}

// sessionLimit leaves two scopes to rp-pppoe's flags.
func sessionLimit(s *Settings, value string) error {
	l, err := limit.Parse(value)
	switch {
	case err != nil:
		return err
	case l.Total != 0:
		return errors.New("the maximum number of sessions of the server is -N")
	case l.Client != 0:
		return errors.New("the maximum number of sessions of one client is -x")
	}
	s.Access.Sessions = l
	return nil
}

// addrList adds a list of Ethernet addresses and prefixes. @FILE stands for those in a file.
func addrList(list func(*Settings) *[]wire.AddrPrefix) func(*Settings, string) error {
	return func(s *Settings, v string) error {
		for item := range strings.SplitSeq(v, ",") {
			prefixes, err := ParseAddrPrefixes(item)
			if err != nil {
				return err
			}
			to := list(s)
			*to = append(*to, prefixes...)
		}
		return nil
	}
}

// ParseAddrPrefixes parses an Ethernet address, a prefix of them, or @FILE: all addresses and prefixes of a
// file, one per line.
func ParseAddrPrefixes(item string) ([]wire.AddrPrefix, error) {
	if path, isFile := strings.CutPrefix(item, "@"); isFile {
		return readAddrFile(path)
	}
	p, err := wire.ParseAddrPrefix(item)
	return []wire.AddrPrefix{p}, err
}

// maxAddrFile is the maximum size of a file of Ethernet addresses, in octets: some 800,000 addresses.
const maxAddrFile = 16 << 20

// readAddrFile reads a file of Ethernet addresses and prefixes, one per line; # begins a comment. The
// error names file and line.
func readAddrFile(path string) (all []wire.AddrPrefix, err error) {
	text, _, err := ReadFile(path, maxAddrFile)
	if err != nil {
		return nil, err
	}
	n := 0
	for line := range strings.Lines(text) {
		n++
		entry, _, _ := strings.Cut(line, "#")
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		p, err := wire.ParseAddrPrefix(entry)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		all = append(all, p)
	}
	return all, nil
}

// AccessConfig returns the limits of clients and sessions.
func (s *Settings) AccessConfig() pppoe.AccessConfig {
	c := s.Access
	if s.MACAllowGiven {
		c.Clients.Allow = wire.NewAddrSet(s.MACAllow)
	}
	if len(s.MACDeny) > 0 {
		c.Clients.Deny = wire.NewAddrSet(s.MACDeny)
	}
	return c
}
