package main

import (
	"fmt"

	"upppoe/internal/config/pppd"
	"upppoe/internal/host/nic"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// mtuWarning says which MTU an interface must have for the requested packet size (RFC 4638 section 4);
// empty if its own suffices or is unknown.
func mtuWarning(s *pppd.Settings, at afpacket.Attachment) string {
	iface, err := nic.ByName(at.Interface)
	if err != nil {
		return ""
	}
	return mtuShortfall(max(s.MTU, s.WantedMRU()), at, iface.MTU)
}

// mtuShortfall is mtuWarning for a packet size and the MTU of the interface, both in octets.
func mtuShortfall(want int, at afpacket.Attachment, mtu int) string {
	const overhead = wire.HeaderLen + 2
	need := at.InterfaceMTU(want + overhead)
	if want <= discovery.EthernetPayload || mtu >= need {
		return ""
	}
	return fmt.Sprintf("%v: packets of at most %d octets instead of %d: the MTU of %s is %d, and would have to be %d: `ip link set %s mtu %d`",
		at, min(mtu-at.InterfaceMTU(overhead), want), want, at.Interface, mtu, need, at.Interface, need)
}
