// Package scripts runs the scripts that pppd runs when a session comes up and goes down (pppd(8),
// SCRIPTS): ip-up and the like, with pppd's arguments and environment, and waits for them where
// pppd waits.
package scripts

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
)

// Names of scripts and of their files.
const (
	NetInit    = "net-init"
	NetPreUp   = "net-pre-up"
	NetDown    = "net-down"
	IPPreUp    = "ip-pre-up"
	IPUp       = "ip-up"
	IPDown     = "ip-down"
	IPv6Up     = "ipv6-up"
	IPv6Down   = "ipv6-down"
	PrefixUp   = "ipv6-prefix-up"
	PrefixDown = "ipv6-prefix-down"
	DHCP6Up    = "dhcp6-up"
	DHCP6Down  = "dhcp6-down"
	AuthUp     = "auth-up"
	AuthDown   = "auth-down"
)

// Config says which scripts there are, and what they get in addition to the session.
type Config struct {
	// Dir is the directory of the scripts.
	Dir string
	// Paths are the paths of scripts elsewhere, by name.
	Paths map[string]string
	// IPParam is pppd's ipparam, the last argument; nil: no such argument.
	IPParam *string
	// Unit is the value of UNIT for a device that is not named pppN; negative: its interface
	// index.
	Unit int
	// Device is the name of the Ethernet interface.
	Device string
	// User is our own name, an argument of auth-up.
	User string
	// Env are further variables: NAME=VALUE, or NAME to remove one.
	Env []string
	// Timeout is how long Close waits for running scripts; zero: until they end.
	Timeout time.Duration
	// Log gets what runs, at level debug, and errors. It must be set.
	Log *slog.Logger
}

// Runner runs the scripts of one session after another. Its methods may be called concurrently.
type Runner struct {
	caller
	ctx            context.Context
	kill           context.CancelFunc
	limit          context.Context // done after LimitWaits
	startLimit     context.CancelFunc
	ip, ipv6, auth *upDown
	dhcp6          *upDown

	mu       sync.Mutex
	prefixes map[string]*upDown // by prefix
}

// New returns a Runner; no script has run yet.
func New(cfg Config) *Runner {
	s := &Runner{caller: caller{cfg: cfg}, prefixes: make(map[string]*upDown)}
	s.ctx, s.kill = context.WithCancel(context.Background())
	s.limit, s.startLimit = context.WithCancel(context.Background())
	s.ip = newUpDown(s, IPUp, IPDown)
	s.ipv6 = newUpDown(s, IPv6Up, IPv6Down)
	s.auth = newUpDown(s, AuthUp, AuthDown)
	s.dhcp6 = newUpDown(s, DHCP6Up, DHCP6Down)
	return s
}

// Close waits for running scripts, up to Timeout. Those that run longer get SIGTERM, and SIGKILL a
// second later; no other one is started then.
func (s *Runner) Close() {
	if s.cfg.Timeout > 0 {
		defer time.AfterFunc(s.cfg.Timeout, s.kill).Stop()
	}
	for _, p := range s.upDowns() {
		<-p.settled()
	}
	s.kill()
}

// LimitWaits limits to Timeout, from now on, each script that is waited for: otherwise one that
// does not end would keep its program from ending.
func (s *Runner) LimitWaits() { s.startLimit() }

// runAndWait runs a script and waits for its end.
func (s *Runner) runAndWait(name string, c *call) {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	if s.cfg.Timeout > 0 {
		defer context.AfterFunc(s.limit, func() { time.AfterFunc(s.cfg.Timeout, cancel) })()
	}
	s.run(ctx, name, c)
}

// Notify must be called with the session's events. It does not block.
func (s *Runner) Notify(l pppoe.SessionInfo, event pppoe.Event) {
	switch e := event.(type) {
	case session.Authenticated:
		if e.Peer && !e.Repeated {
			s.auth.up(s.authCall(l, e.Name))
		}
	case pppoe.Configured:
		s.sessionEnv.update(e.Addressing)
		s.configured(l, e)
	case pppoe.Adopted:
		s.adopted(l, e)
	case pppoe.NetworkLost:
		after := s.sessionEnv.downEnv(e.Uptime, e.Counters)
		if e.Protocol == ppp.IPCP {
			s.ip.down(after)
		} else {
			s.ipv6.down(after)
		}
	case pppoe.Ended:
		s.auth.down(s.sessionEnv.downEnv(e.Uptime, e.Counters))
	}
}

func (s *Runner) configured(l pppoe.SessionInfo, e pppoe.Configured) {
	if e.HasIPv4() && e.IPv4 != e.Previous.IPv4 {
		s.ip.up(s.ipUpCall(l, e))
	}
	if e.HasIPv6() && e.IPv6 != e.Previous.IPv6 {
		s.ipv6.up(s.ipv6Call(l, e.Addressing))
	}
}

// adopted records that an earlier program has run the scripts for the begin of a session.
func (s *Runner) adopted(l pppoe.SessionInfo, e pppoe.Adopted) {
	s.sessionEnv.update(e.Addressing)
	if l.User != "" {
		s.auth.adopt(s.authCall(l, l.User))
	}
	if e.HasIPv4() {
		s.ip.adopt(s.ipCall(l, e.Addressing))
	}
	if e.HasIPv6() {
		s.ipv6.adopt(s.ipv6Call(l, e.Addressing))
	}
}

func (s *Runner) upDowns() []*upDown {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.AppendSeq([]*upDown{s.ip, s.ipv6, s.auth, s.dhcp6}, maps.Values(s.prefixes))
}
