package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

// originalFlags are the flags of the original program, in its order.
var originalFlags = []string{"I", "D", "t", "a", "V", "Q", "S", "C", "U", "W", "h"}

// writeUsage writes all flags: first the original's in its form, then the others.
func writeUsage(w io.Writer, set *pflag.FlagSet) {
	fmt.Fprint(w, "Usage: pppoe-discovery [options]\nOptions:\n")
	own := pflag.NewFlagSet(set.Name(), pflag.ContinueOnError)
	own.SortFlags = false
	set.VisitAll(own.AddFlag)
	for _, letter := range originalFlags {
		f := set.ShorthandLookup(letter)
		value, text := pflag.UnquoteUsage(f)
		if letter == "I" {
			text += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(w, "   %-14s -- %s\n", strings.TrimSpace("-"+letter+" "+value), text)
		own.Lookup(f.Name).Hidden = true
	}
	fmt.Fprint(w, "\nAdditional options:\n", own.FlagUsagesWrapped(columns))
	for _, letter := range originalFlags {
		set.ShorthandLookup(letter).Hidden = false // both sets share their flags
	}
	fmt.Fprint(w, usageNotes)
}

const usageNotes = `
  pppoe-discovery -I eth0                        list all concentrators that answer
  pppoe-discovery -I eth0 --first                end with the first answer
  pppoe-discovery -I eth0 --verbose              with every tag, vendor and latency
  pppoe-discovery -I eth0 --vlan 1-4094          search all VLANs
  pppoe-discovery -I eth0 --vlan 50.1-4094       search within the outer tag 50 (QinQ)
  pppoe-discovery -I eth0 --watch                report changes
  pppoe-discovery -I eth0 --expect bras-1.isp    for monitoring: detect rogue concentrators
  pppoe-discovery explain isp.pcap               what went wrong in a capture; explain --help
  pppoe-discovery -I eth0 --watch --expect 00:00:5e:00:53:01 --alarm --json

To list all concentrators, it listens for the whole timeout of 5 seconds. Without an
answer it asks 3 times, which takes 15 seconds. --first ends with the first answer. The
PADI has no Host-Uniq tag unless -U or -W is given; --vlan and --watch always send one, to
match answers to PADIs.

It needs root, or only CAP_NET_RAW:

  setcap cap_net_raw+ep /usr/local/sbin/pppoe-discovery

No VLAN devices are needed: the program adds and removes the tags. --vlan takes a
comma-separated list of

  50             one 802.1Q tag, or a range like 1-4094
  50.100         two: an 802.1ad tag (0x88a8) and an 802.1Q tag (0x8100) within it; each may
                 be a range, like 10-12.100-200
  0x8100:50.0x8100:100   two tags with other ethertypes
  0              a priority tag
  untagged       no tag

Each concentrator is shown with the VLAN on which it answered. 4094 VLANs take about six
seconds. A VLAN device like eth0.50 is searched like any other interface, without --vlan.

--expect takes an Ethernet address or an AC-Name. Both are easily forged: expect it to
detect mistakes rather than attacks.

The vendor is from the IEEE's list of addresses at the time when this program was built.

Exit codes:
  0  at least one concentrator answered; with --expect: all expected ones, and no other
  1  none answered, or an expected one did not; or there was an error
  3  an unexpected one answered (with --watch: only with --alarm), even if 1 applies too
`
