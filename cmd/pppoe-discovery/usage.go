package main

const usage = `pppoe-discovery lists the PPPoE access concentrators that answer.

  pppoe-discovery -I eth0                        who is there?
  pppoe-discovery -I eth0 -v                     ... with every tag, vendor and latency
  pppoe-discovery -I eth0 --vlan 1-4094          on which VLAN is my provider?
  pppoe-discovery -I eth0 --vlan 50.1-4094       ... within the outer tag 50 (QinQ)
  pppoe-discovery -I eth0 --watch                who comes, goes and changes?
  pppoe-discovery -I eth0 --expect bras-1.isp    for monitoring: is there a rogue?
  pppoe-discovery -I eth0 --watch --expect 00:00:5e:00:53:01 --alarm --json

It needs root, or CAP_NET_RAW and nothing else:

  setcap cap_net_raw+ep /usr/local/sbin/pppoe-discovery

Flags:
`

const afterwards = `
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
