package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

// originalFlags are the options of the program that comes with pppd, in its order, each with its
// value as that program calls it.
var originalFlags = []struct{ letter, value string }{
	{"I", "if_name"}, {"D", "filename"}, {"t", "secs"}, {"a", "num"}, {"V", ""}, {"Q", ""},
	{"S", "name"}, {"C", "name"}, {"U", ""}, {"W", "hexvalue"}, {"h", ""},
}

// writeUsage writes all flags: the original's in its form, and then those of our own.
func writeUsage(w io.Writer, set *pflag.FlagSet) {
	fmt.Fprint(w, "Usage: pppoe-discovery [options]\nOptions:\n")
	own := pflag.NewFlagSet(set.Name(), pflag.ContinueOnError)
	own.SortFlags = false
	set.VisitAll(own.AddFlag)
	for _, o := range originalFlags {
		f := set.ShorthandLookup(o.letter)
		_, text := pflag.UnquoteUsage(f)
		if o.letter == "I" {
			text += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(w, "   %-14s -- %s\n", strings.TrimSpace("-"+o.letter+" "+o.value), text)
		own.Lookup(f.Name).Hidden = true
	}
	fmt.Fprint(w, "\nBeyond the original:\n", own.FlagUsagesWrapped(columns))
	for _, o := range originalFlags {
		set.ShorthandLookup(o.letter).Hidden = false // both sets share their flags
	}
	fmt.Fprint(w, usageNotes)
}

const usageNotes = `
  pppoe-discovery -I eth0                        list all concentrators that answer
  pppoe-discovery -I eth0 --first                end with the first answer
  pppoe-discovery -I eth0 --verbose              with every tag, vendor and latency
  pppoe-discovery -I eth0 --vlan 1-4094          on which VLAN is my provider?
  pppoe-discovery -I eth0 --vlan 50.1-4094       ... within the outer tag 50 (QinQ)
  pppoe-discovery -I eth0 --watch                who comes, goes and changes?
  pppoe-discovery -I eth0 --expect bras-1.isp    for monitoring: is there a rogue?
  pppoe-discovery -I eth0 --watch --expect 00:00:5e:00:53:01 --alarm --json

It listens for the whole timeout, to list all concentrators: 5 seconds, and while nobody
answers it asks 3 times, 15 seconds in all. --first ends with the first answer. The PADI
has no Host-Uniq tag unless -U or -W asks for one; --vlan and --watch always send one, to
know which question an answer belongs to.

It needs root, or CAP_NET_RAW and nothing else:

  setcap cap_net_raw+ep /usr/local/sbin/pppoe-discovery

VLANs need no devices of the kernel: the tags are put in and taken out here. --vlan takes
a list, parted by commas, of

  50             one 802.1Q tag, or a range like 1-4094
  50.100         two: an 802.1ad tag (0x88a8) and an 802.1Q tag (0x8100) within it; each may
                 be a range, like 10-12.100-200
  0x8100:50.0x8100:100   the same with ethertypes of one's own
  0              a tag that only has a priority
  untagged       no tag

Each concentrator is shown with the VLAN on which it answered. 4094 VLANs take about six
seconds. An interface like eth0.50 of the kernel is searched as any other, without --vlan.

--expect takes an Ethernet address or an AC-Name. A name is easily forged, and an address
hardly less so: an alarm finds mistakes sooner than attacks.

The vendor is that of the address in the IEEE's list, as it was when this program was
built.

Exit codes:
  0  at least one concentrator answered; with --expect: all those expected did, and no other
  1  none answered, or one that was expected did not; or there was an error
  3  one answered that was not expected (with --watch: only with --alarm)
`
