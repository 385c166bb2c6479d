package main

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"upppoe/internal/config/pppd"
	"upppoe/internal/mgmt/servercontrol"
	"upppoe/pppoe/wire"
)

// addFilterFlags adds the flags that select sessions.
func addFilterFlags(set *pflag.FlagSet, f *servercontrol.Filter) {
	set.Uint64Var(&f.ID, "id", 0, "the session with this `ID` (first column of sessions)")
	set.StringVar(&f.User, "user", "", "of this user; * in it stands for any text")
	set.StringVar(&f.IP, "ip", "", "with this `ADDRESS`, IPv4 or IPv6, also in a prefix or framed route of the session; or a prefix")
	set.StringVar(&f.MAC, "mac", "", "of the client with this Ethernet `ADDRESS`, or one that begins so: 02:00:5e")
	set.StringVar(&f.VLAN, "vlan", "", "in these VLANs, a `LIST` as for the server: 50,100-199, 100.1-4094, untagged")
	set.StringVar(&f.Interface, "interface", "", "on this `INTERFACE`, with VLAN tags (eth1.100) or without, or with this network device (ppp0)")
	set.StringVar(&f.CircuitID, "circuit-id", "", "with this circuit ID of the access line; * in it stands for any text")
	set.StringVar(&f.RemoteID, "remote-id", "", "with this remote ID of the access line; * in it stands for any text")
	set.StringVar(&f.AcctSessionID, "acct-session-id", "", "with this `ID` in RADIUS's accounting")
	set.StringVar(&f.State, "state", "", "in this `STATE`: establish, authenticate, network, online or closing")
}

// isAcctSessionID reports whether a name has the form of an Acct-Session-Id (radius.NAS.SessionID): 16
// hexadecimal digits, more after 2^32 sessions. As a decimal number it is larger than any ID.
func isAcctSessionID(name string) bool {
	return len(name) >= 16 && len(name) <= 24 && strings.Trim(name, "0123456789abcdefABCDEF") == ""
}

// addNamed adds to a filter what an argument names: a session's ID or Acct-Session-Id, an IP address, an
// Ethernet address, or else a user.
func addNamed(f *servercontrol.Filter, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if len(args) > 1 {
		return &pppd.Error{Message: fmt.Sprintf("unexpected argument %q: one session is named by its ID, Acct-Session-Id, user, IP or Ethernet address", args[1])}
	}
	name := args[0]
	if isAcctSessionID(name) {
		f.AcctSessionID = name
	} else if id, err := strconv.ParseUint(name, 10, 64); err == nil {
		f.ID = id
	} else if _, err := netip.ParseAddr(name); err == nil {
		f.IP = name
	} else if _, err := wire.ParseAddr(strings.ReplaceAll(name, "-", ":")); err == nil {
		f.MAC = name
	} else {
		f.User = name
	}
	return nil
}
