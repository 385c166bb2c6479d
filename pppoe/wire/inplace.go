package wire

import (
	"encoding/binary"

	"upppoe/pppoe/vlan"
)

// ParseDiscoveryInPlace is ParseDiscoveryFrame without a copy, for a station that a flood may reach:
// it allocates nothing, and the tags of the result alias b.
func ParseDiscoveryInPlace(b []byte) (d DiscoveryFrame, err error) {
	tags, etherType, ok := vlan.Split(b)
	switch {
	case !ok:
		return d, ErrShort
	case etherType != EtherTypeDiscovery:
		return d, ErrCode
	}
	d.Dst, d.Src = Addr(b), Addr(b[len(d.Dst):])
	d.VLAN = tags.WithoutPriorityTag()
	d.Discovery, err = ParseDiscovery(b[2*len(d.Dst)+tags.Depth()*vlan.TagLen+2:])
	return d, err
}

// AppendInPlace is AppendTo, and allocates nothing if b has room.
func (d DiscoveryFrame) AppendInPlace(b []byte) []byte {
	return d.Discovery.AppendTo(appendEthernet(b, d.Dst, d.Src, d.VLAN, EtherTypeDiscovery))
}

// appendEthernet appends the header of a frame, with tags without priority.
func appendEthernet(b []byte, dst, src Addr, tags vlan.Stack, etherType uint16) []byte {
	b = append(b, dst[:]...)
	b = append(b, src[:]...)
	b = tags.Append(b, 0)
	return binary.BigEndian.AppendUint16(b, etherType)
}
