package netconfig

import (
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"

	"github.com/vishvananda/netlink"

	"upppoe/ipcp"
)

// Resolver selects what on this machine gets the peer's name servers, in addition to the file
// Configurer.ResolvConf.
type Resolver string

// Resolvers.
const (
	// ResolverNone: nothing. It is the zero value.
	ResolverNone Resolver = ""
	// ResolverAuto is the first of those below that works.
	ResolverAuto Resolver = "auto"
	// ResolverResolved is systemd-resolved, by `resolvectl dns`.
	ResolverResolved Resolver = "resolved"
	// ResolverResolvconf is resolvconf(8), by `resolvconf -a` and `-d`.
	ResolverResolvconf Resolver = "resolvconf"
	// ResolverFile is the file Configurer.SystemResolvConf, which this package writes.
	ResolverFile Resolver = "file"
)

var (
	errNoTarget       = errors.New("no file is configured")
	errOtherNamespace = errors.New("the device is in another network namespace, which it does not see")
)

// nameServerSteps installs name servers. Errors are only logged, as a session works without.
func (h *Configurer) nameServerSteps(link netlink.Link, names []netip.Addr) []step {
	if len(names) == 0 {
		return nil
	}
	return []step{
		{what: "write name servers", do: func() (func() error, error) { return h.writePPPResolvConf(names), nil }},
		{what: "install name servers", do: func() (func() error, error) { return h.installNameServers(link, names), nil }},
	}
}

// usableNameServers returns the name servers that a peer gave, each once, without unusable ones.
func (h *Configurer) usableNameServers(a ipcp.Agreement) (names []netip.Addr) {
	for _, s := range a.DNS {
		switch {
		case !s.IsValid() || len(names) > 0 && names[0] == s:
		case s == a.Local:
			h.Log.Warn(fmt.Sprintf("ignoring name server %v from the peer: it is our own address", s))
		case CheckHostAddress(s) != nil:
			h.Log.Warn(fmt.Sprintf("ignoring name server %v from the peer: it %v", s, CheckHostAddress(s)))
		default:
			names = append(names, s)
		}
	}
	return names
}

// installNameServers installs name servers as Configurer.Resolver says, and returns how to undo
// that.
func (h *Configurer) installNameServers(link netlink.Link, names []netip.Addr) (undo func() error) {
	ways := []Resolver{h.Resolver}
	switch h.Resolver {
	case ResolverNone:
		return nil
	case ResolverAuto:
		ways = []Resolver{ResolverResolved, ResolverResolvconf, ResolverFile}
	}
	var failed []string
	for _, w := range ways {
		undo, err := h.installWith(w, link, names)
		if err == nil {
			h.Log.Info(fmt.Sprintf("name servers %s: %s", joinAddrs(names), h.describeInstall(w, link)))
			return undo
		}
		failed = append(failed, fmt.Sprintf("%s: %v", w, err))
	}
	h.Log.Warn(fmt.Sprintf("name servers %s are not installed: %s", joinAddrs(names), strings.Join(failed, "; ")))
	return nil
}

func joinAddrs(names []netip.Addr) string {
	var words []string
	for _, n := range names {
		words = append(words, n.String())
	}
	return strings.Join(words, " ")
}

// describeInstall says where the name servers were installed.
func (h *Configurer) describeInstall(w Resolver, link netlink.Link) string {
	switch w {
	case ResolverResolved:
		return "set in systemd-resolved for " + link.Attrs().Name + " (resolvectl)"
	case ResolverResolvconf:
		return "set in resolvconf as " + resolvconfRecord(link)
	}
	return "written to " + h.SystemResolvConf
}

// installWith installs name servers with one resolver.
func (h *Configurer) installWith(w Resolver, link netlink.Link, names []netip.Addr) (undo func() error, err error) {
	if h.Namespace != "" && w != ResolverFile {
		return nil, errOtherNamespace
	}
	switch w {
	case ResolverResolved:
		return h.installWithResolvectl(link, names)
	case ResolverResolvconf:
		return h.installWithResolvconf(link, names)
	}
	if h.SystemResolvConf == "" {
		return nil, errNoTarget
	}
	return h.installInFile(h.SystemResolvConf, link.Attrs().Name, names)
}

func (h *Configurer) installWithResolvectl(link netlink.Link, names []netip.Addr) (func() error, error) {
	name := link.Attrs().Name
	args := []string{"dns", name}
	for _, n := range names {
		args = append(args, n.String())
	}
	undo := func() error {
		// systemd-resolved forgets a device that is removed, whose name may be another one's by
		// now.
		if now, err := netlink.LinkByIndex(link.Attrs().Index); err != nil || now.Attrs().Name != name {
			return nil
		}
		return h.run("", "resolvectl", "revert", name)
	}
	return undo, h.run("", "resolvectl", args...)
}

// resolvconfRecord is the record name of a session's name servers in resolvconf(8).
func resolvconfRecord(link netlink.Link) string { return link.Attrs().Name + ".ppp" }

func (h *Configurer) installWithResolvconf(link netlink.Link, names []netip.Addr) (func() error, error) {
	undo := func() error { return h.run("", "resolvconf", "-d", resolvconfRecord(link)) }
	return undo, h.run(nameserverLines(names), "resolvconf", "-a", resolvconfRecord(link))
}

// nameserverLines formats name servers as in resolv.conf(5).
func nameserverLines(names []netip.Addr) string {
	var text strings.Builder
	for _, s := range names {
		fmt.Fprintf(&text, "nameserver %v\n", s)
	}
	return text.String()
}

func (h *Configurer) run(input, name string, args ...string) error {
	within := defaultProgramTimeout
	if h.programTimeout > 0 {
		within = h.programTimeout
	}
	err := runProgram(within, input, name, args...)
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("program not found: %s", name)
	}
	return err
}
