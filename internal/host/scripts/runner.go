// Package scripts runs the scripts that pppd runs when a session comes and goes
// (pppd(8), SCRIPTS): ip-up and its like, with pppd's arguments and environment,
// and waiting where pppd waits.
package scripts

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// Names of scripts, which are those of their files too.
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

// Config is which scripts there are, and what they are told beside the session.
type Config struct {
	// Dir is where they lie.
	Dir string
	// Paths are those that lie elsewhere, by name.
	Paths map[string]string
	// IPParam is pppd's ipparam, the last argument; nil: there is no such argument.
	IPParam *string
	// Unit is the number in UNIT of a device that is not named pppN; negative: the index of
	// its interface.
	Unit int
	// Device is the name of the Ethernet interface.
	Device string
	// User is our own name, as auth-up is told it.
	User string
	// Env are further variables, NAME=VALUE, or a NAME that is taken out.
	Env []string
	// Timeout is how long Close waits for scripts that still run; zero: until they end.
	Timeout time.Duration
	// Log is told what runs, at level debug, and what cannot run. It must be set.
	Log *slog.Logger
}

// Runner runs the scripts of one line. Its methods may be called concurrently.
type Runner struct {
	cfg            Config
	ctx            context.Context
	kill           context.CancelFunc
	limit          context.Context // done once Hurry has been called
	startLimit     context.CancelFunc
	ip, ipv6, auth *upDown
	dhcp6          *upDown

	sessionEnv sessionEnv

	mu       sync.Mutex
	prefixes map[string]*upDown // by the prefix
}

// New makes the scripts of a line, none of which has run.
func New(cfg Config) *Runner {
	s := &Runner{cfg: cfg, prefixes: make(map[string]*upDown)}
	s.ctx, s.kill = context.WithCancel(context.Background())
	s.limit, s.startLimit = context.WithCancel(context.Background())
	s.ip = newUpDown(s, IPUp, IPDown)
	s.ipv6 = newUpDown(s, IPv6Up, IPv6Down)
	s.auth = newUpDown(s, AuthUp, AuthDown)
	s.dhcp6 = newUpDown(s, DHCP6Up, DHCP6Down)
	return s
}

// Close waits, for as long as Patience, until what has begun is done. Scripts that run
// longer get a SIGTERM, and soon a SIGKILL; no other is begun then.
func (s *Runner) Close() {
	if s.cfg.Timeout > 0 {
		defer time.AfterFunc(s.cfg.Timeout, s.kill).Stop()
	}
	for _, p := range s.upDowns() {
		<-p.settled()
	}
	s.kill()
}

// LimitWaits bounds by Patience, from now on, each script that is waited for: else one that does
// not end would keep its program from ending.
func (s *Runner) LimitWaits() { s.startLimit() }

// runAndWait runs a script that is waited for.
func (s *Runner) runAndWait(name string, c *call) {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	if s.cfg.Timeout > 0 {
		defer context.AfterFunc(s.limit, func() { time.AfterFunc(s.cfg.Timeout, cancel) })()
	}
	s.run(ctx, name, c)
}

// Notify is told what happens to the line, as by a pppoe.Client. It does not block.
func (s *Runner) Notify(l pppoe.SessionInfo, event pppoe.Event) {
	switch e := event.(type) {
	case session.Authenticated:
		if e.Peer && !e.Repeated {
			s.auth.up(s.authCall(l, e.Name))
		}
	case pppoe.Configured:
		s.sessionEnv.update(e.Addressing)
		s.configured(l, e)
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
		call := s.ipCall(l, e.Addressing)
		if old := e.Previous.IPv4; e.Previous.HasIPv4() {
			call.env = append(call.env, "OLDIPLOCAL="+old.Local.String(), "OLDIPREMOTE="+old.Remote.String())
		}
		s.ip.up(call)
	}
	if e.HasIPv6() && e.IPv6 != e.Previous.IPv6 {
		s.ipv6.up(s.ipv6Call(l, e.Addressing))
	}
}

// maxPrefixes bounds how many prefixes scripts are told of at a time.
const maxPrefixes = 16

// SetDelegatedPrefixes says which IPv6 prefixes are delegated to the line, and which name servers and
// services go with them: scripts are run for those that are new, and those that have gone.
func (s *Runner) SetDelegatedPrefixes(l pppoe.SessionInfo, prefixes, servers, services []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for prefix, p := range s.prefixes {
		if !slices.Contains(prefixes, prefix) {
			p.down(nil)
			if p.idle() {
				delete(s.prefixes, prefix)
			}
		}
	}
	for _, prefix := range prefixes {
		p := s.prefixes[prefix]
		if p == nil {
			if len(s.prefixes) >= maxPrefixes {
				continue
			}
			p = newUpDown(s, PrefixUp, PrefixDown)
			s.prefixes[prefix] = p
		}
		if !p.isUp() {
			p.up(&call{
				args: s.args(l.Device, s.cfg.Device, speed, prefix, ""),
				env:  append(append(s.env(l), "PREFIX="+prefix, "DNS6="+strings.Join(servers, " ")), sanitizeValues(services)...),
			})
		}
	}
}

func (s *Runner) upDowns() []*upDown {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.AppendSeq([]*upDown{s.ip, s.ipv6, s.auth, s.dhcp6}, maps.Values(s.prefixes))
}

// call is what a script is told.
type call struct{ args, env []string }

func (s *Runner) ipCall(l pppoe.SessionInfo, a pppoe.Addressing) *call {
	return &call{
		args: s.args(l.Device, s.cfg.Device, speed, a.IPv4.Local.String(), a.IPv4.Remote.String()),
		env:  append(s.env(l), ipv4Env(a.IPv4)...),
	}
}

func (s *Runner) ipv6Call(l pppoe.SessionInfo, a pppoe.Addressing) *call {
	return &call{
		args: s.args(l.Device, s.cfg.Device, speed, a.IPv6.Local.LinkLocal().String(), a.IPv6.Remote.LinkLocal().String()),
		env:  append(s.env(l), ipv6Env(a.IPv6)...),
	}
}

func (s *Runner) authCall(l pppoe.SessionInfo, peer string) *call {
	return &call{
		args: s.args(l.Device, sanitize(peer), s.cfg.User, s.cfg.Device, speed),
		env:  append(s.env(l), "PEERNAME="+sanitize(peer)),
	}
}

func (s *Runner) netCall(l pppoe.SessionInfo) *call {
	return &call{args: s.args(l.Device, s.cfg.Device, speed), env: s.env(l)}
}

// speed is what pppd says of a line that is not serial.
const speed = "0"

// env are the variables that all scripts have. Nothing of our own environment is among
// them.
func (s *Runner) env(l pppoe.SessionInfo) []string {
	peer := strings.ToUpper(l.Peer.String())
	env := []string{
		"DEVICE=" + s.cfg.Device, "IFNAME=" + l.Device, "SPEED=" + speed,
		"PPPD_PID=" + strconv.Itoa(os.Getpid()), "ORIG_UID=" + strconv.Itoa(os.Getuid()),
		"MACREMOTE=" + peer, "REMOTENUMBER=" + peer, "ACNAME=" + sanitize(l.ACName),
	}
	if l.User != "" {
		env = append(env, "PEERNAME="+sanitize(l.User))
	}
	if l.Device != "" {
		env = append(env, "UNIT="+s.sessionEnv.unitNumber(l.Device, s.cfg.Unit))
	}
	env = append(env, s.sessionEnv.env()...)
	return append(env, s.cfg.Env...)
}

// shellSpecial are characters that a careless shell, or its echo, acts on. A backslash is one: the echo
// of some shells, dash's among them, makes control characters of \033.
const shellSpecial = "\\`$\"'&|;<>(){}[]*?!#~^"

// sanitize is a peer's text as a script may have it: each character that is not printable, or that
// a careless shell acts on, is an underscore; and so is a first -, or it could be an option of a
// program that the script runs. It has at most as many characters as a log shows.
func sanitize(text string) string {
	var out []rune
	for i, r := range text {
		switch {
		case len(out) == wire.MaxShownText:
			return string(out)
		case !unicode.IsPrint(r), r == utf8.RuneError, strings.ContainsRune(shellSpecial, r), i == 0 && r == '-':
			r = '_'
		}
		out = append(out, r)
	}
	return string(out)
}

// run runs a script, if it is there, and waits for its end.
func (s *Runner) run(ctx context.Context, name string, c *call) {
	path := s.cfg.Paths[name]
	if path == "" {
		path = filepath.Join(s.cfg.Dir, name)
	}
	if err := executable(path); err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.cfg.Log.Warn(fmt.Sprintf("Can't execute %s: %v", path, err))
		}
		return
	}
	cmd := exec.CommandContext(ctx, path, c.args...)
	cmd.Env, cmd.Dir = dedupeEnv(c.env), "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) }
	cmd.WaitDelay = time.Second
	if err := start(cmd); err != nil {
		s.cfg.Log.Warn(fmt.Sprintf("Can't execute %s: %v", path, explainStartError(path, err)))
		return
	}
	pid := cmd.Process.Pid
	s.cfg.Log.Debug(fmt.Sprintf("Script %s started (pid %d)", path, pid))
	cmd.Wait() // its status is told below
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	s.cfg.Log.Debug(fmt.Sprintf("Script %s finished (pid %d), status = 0x%x", path, pid, exitStatus(status)))
}

// exitStatus is an exit code, or of a script that a signal has ended the whole status, as in
// pppd's log.
func exitStatus(status syscall.WaitStatus) int {
	if status.Exited() {
		return status.ExitStatus()
	}
	return int(status)
}

func executable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0:
		return errors.New("it is no program: chmod +x it, or remove it")
	}
	return nil
}

// dedupeEnv takes out what a word without = names, and keeps the last of those that come
// twice.
func dedupeEnv(env []string) (out []string) {
	for _, word := range env {
		name := nameOf(word)
		out = slices.DeleteFunc(out, func(other string) bool { return nameOf(other) == name })
		if name != word {
			out = append(out, word)
		}
	}
	return out
}

func nameOf(word string) string {
	name, _, _ := strings.Cut(word, "=")
	return name
}
