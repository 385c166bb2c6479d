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
	positionalAddresses = []option{{name: "LOCAL:REMOTE", help: "local and remote IPv4 address; either may be omitted"}}
)

// positional reads a word that is not the name of an option: a pair of addresses, or the name of the
// interface. Any other word is treated as a misspelt option.
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
	case name != "" && r.mayBeInterface(at):
		r.Settings.Interface, r.assumedInterface = name, at
		return nil
	}
	return r.unknown(at)
}

// mayBeInterface reports whether an unknown word is more likely a nonexistent interface than a misspelt
// option: it is the first of a command line, follows plugin or contains a digit, and no interface is given yet.
func (r *Reader) mayBeInterface(at Word) bool {
	switch {
	case r.Role != Client, r.afterPassword, r.Settings.Interface != "", r.suggestion(at.Text) != "":
		return false
	case at.Text == "" || len(at.Text) > maxInterface || at.Text[0] == '-' || strings.ContainsAny(at.Text, "=/ \t\n"):
		return false
	}
	if !strings.ContainsFunc(at.Text, unicode.IsLetter) {
		return false
	}
	return r.first || r.afterPlugin || strings.ContainsAny(at.Text, "0123456789")
}

// maxInterface is the maximum length of an interface's name, including alternative names, in octets
// (ALTIFNAMSIZ).
const maxInterface = 127

func (r *Reader) isInterface(name string) bool {
	if r.IsInterface != nil {
		return r.IsInterface(name)
	}
	_, ok := ifname.KernelName(name)
	return ok
}

// isSpeed reports whether pppd takes a word for the speed of a serial line.
func isSpeed(word string) bool {
	n, err := strconv.ParseUint(word, 10, 31)
	return err == nil && n > 0
}

// addresses reads LOCAL:REMOTE. Either may be empty or 0.0.0.0, which pppd treats as empty.
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
			return errorAt(at, "%q is not a pair of IPv4 addresses like 192.0.2.1:192.0.2.10", at.Text)
		}
		if !a.IsUnspecified() {
			*side.to = a
		}
	}
	r.afterPassword = false
	return nil
}

// isHost reports whether pppd accepts an address: IPv4, and not loopback, multicast or class E.
func isHost(a netip.Addr) bool {
	return a.Is4() && !a.IsLoopback() && a.As4()[0] < 224
}

// unknown returns the error for an unknown word. It does not repeat what may be part of a password or
// a value.
func (r *Reader) unknown(at Word) error {
	if r.afterPassword {
		return errorAt(at, "the word after the password is neither an option nor an interface: put a password with spaces or # in quotes")
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
		return errorAt(at, "unknown option %q, and no interface has that name: there are %s", name, ifname.Existing(name))
	}
	return errorAt(at, "unknown option %q", name)
}
