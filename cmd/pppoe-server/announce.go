package main

import (
	"encoding/binary"
	"slices"

	"upppoe/pppoe"
	"upppoe/pppoe/linux"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// announcement returns a broadcast from an address, by which each switch of the VLAN learns the port to it.
func announcement(from wire.Addr, in vlan.Stack) []byte {
	const shortest = 60 // octets of a frame, without its check sequence
	frame := append(wire.Broadcast[:], from[:]...)
	for _, tag := range in.Tags() {
		frame = binary.BigEndian.AppendUint16(frame, tag.TPID)
		frame = binary.BigEndian.AppendUint16(frame, tag.VID)
	}
	frame = binary.BigEndian.AppendUint16(frame, linux.AnnouncementType)
	return append(frame, make([]byte, shortest-len(frame))...)
}

// announceAddress teaches switches the port to the address of a cluster, in each VLAN that has a session. Before
// there is a server, that is without a VLAN.
func announceAddress(listeners []pppoe.Listener, server *pppoe.Server, in *clusterMember) {
	if in == nil {
		return
	}
	used := usedVLANs(server)
	for _, l := range listeners {
		stacks := []vlan.Stack{{}} // the port inserts its VLAN's tags
		if l.Ports.PayloadMTU != nil {
			stacks = append(stacks, used[l.Device]...)
		}
		var frames [][]byte
		for _, stack := range stacks {
			frames = append(frames, announcement(l.Ports.Discovery.Addr(), stack))
		}
		l.Ports.Discovery.WriteBatch(frames) // one that is lost is made up for by the first packet
	}
}

// usedVLANs returns the VLANs in which a server has sessions, by interface.
func usedVLANs(server *pppoe.Server) map[string][]vlan.Stack {
	used := make(map[string][]vlan.Stack)
	if server == nil {
		return used
	}
	for s := range server.Sessions() {
		stack, err := vlan.Parse(s.VLAN)
		if err == nil && !slices.Contains(used[s.Ethernet], stack) {
			used[s.Ethernet] = append(used[s.Ethernet], stack)
		}
	}
	return used
}
