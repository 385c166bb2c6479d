package pppd

import (
	"net/netip"
	"strconv"
	"strings"
	"unicode"

	"upppoe/internal/host/ifname"
)

var (
	positionalInterface = []option{{name: "nic-IF, IF", roles: Client, help: "the Ethernet interface, like eth0"}}
	positionalAddresses = []option{{name: "LOCAL:REMOTE", help: "our IPv4 address and the peer's; either may be left out"}}
)

// positional reads a word that is no option's name: a pair of addresses, or the name of
// the interface. One that is neither is more likely an option that somebody
// misspelt.
func (r *Reader) positional(at Word) error {
	name, nic := strings.CutPrefix(at.Text, "nic-")
	switch {
	case strings.Contains(at.Text, ":"):
		return r.addresses(at)
	case isSpeed(at.Text) && !r.afterPassword && r.Role != Account:
		return nil
	case r.Role == Client && name != "" && (nic || r.isInterface(name)):
		if r.assumedInterface.Text != "" {
			return r.unknown(r.assumedInterface)
		}
		r.Settings.Interface, r.afterPassword = name, false
		return nil
	case r.mayBeInterface(at):
		r.Settings.Interface, r.assumedInterface = name, at
		return nil
	}
	return r.unknown(at)
}

// mayBeInterface reports whether a word that means nothing is rather the name of an interface
// that is not there than an option that somebody misspelt: if it stands where interfaces do, or
// has a number, and no interface is named otherwise.
func (r *Reader) mayBeInterface(at Word) bool {
	switch {
	case r.Role != Client, r.afterPassword, r.Settings.Interface != "", r.suggestion(at.Text) != "":
		return false
	case at.Text == "" || len(at.Text) > maxInterface || strings.ContainsAny(at.Text, "-=/ \t\n"):
		return false
	}
	if !strings.ContainsFunc(at.Text, unicode.IsLetter) {
		return false
	}
	return r.first || r.afterPlugin || strings.ContainsAny(at.Text, "0123456789")
}

// maxInterface is the length of the longest name that an interface can have, an alternative one,
// in octets (ALTIFNAMSIZ).
const maxInterface = 127

func (r *Reader) isInterface(name string) bool {
	if r.IsInterface != nil {
		return r.IsInterface(name)
	}
	_, ok := ifname.KernelName(name)
	return ok
}

// isSpeed reports whether a word is what pppd takes for a serial line's bits per second.
func isSpeed(word string) bool {
	n, err := strconv.ParseUint(word, 10, 31)
	return err == nil && n > 0
}

// addresses reads LOCAL:REMOTE, of which either may be left out, or be 0.0.0.0, which is
// pppd's other word for that.
func (r *Reader) addresses(at Word) error {
	local, remote, _ := strings.Cut(at.Text, ":")
	for _, side := range []struct {
		text string
		to   *netip.Addr
	}{{local, &r.Settings.Local}, {remote, &r.Settings.Remote}} {
		if side.text == "" {
			continue
		}
		a, err := netip.ParseAddr(side.text)
		if err != nil && r.afterPassword {
			return r.unknown(at)
		}
		if err != nil || !isHost(a) {
			return errorAt(at, "%q is no pair of IPv4 addresses like 192.0.2.1:192.0.2.10", at.Text)
		}
		if !a.IsUnspecified() {
			*side.to = a
		}
	}
	r.afterPassword = false
	return nil
}

// isHost leaves out what pppd does: loopback addresses, multicast, and class E.
func isHost(a netip.Addr) bool {
	return a.Is4() && !a.IsLoopback() && a.As4()[0] < 224
}

// unknown tells of a word that means nothing. What may be a part of a password, or
// a value, is not repeated.
func (r *Reader) unknown(at Word) error {
	if r.afterPassword {
		return errorAt(at, "the word after the password is neither an option nor an interface: a password with spaces or # in it must stand in quotes")
	}
	name, _, assigned := strings.Cut(at.Text, "=")
	long, dashes := strings.CutPrefix(name, "--")
	near := r.suggestion(long)
	switch {
	case assigned && byName[name] != nil:
		return errorAt(at, "option %q: write %s, a space, and then its value", name, name)
	case near != "":
		return errorAt(at, "unknown option %q (did you mean %q?)", name, near)
	case r.Role == Client && !dashes:
		return errorAt(at, "unknown option %q, nor is there an interface of that name", name)
	}
	return errorAt(at, "unknown option %q", name)
}
