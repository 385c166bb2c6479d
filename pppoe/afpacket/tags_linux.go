package afpacket

import (
	"fmt"
	"slices"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"upppoe/pppoe/vlan"
)

// tagSnapLen is how much of a frame OpenTags receives, in octets: addresses, two tags and some more.
const tagSnapLen = 64

// OpenTags opens a port that receives the beginning of each frame with VLAN tags that arrives, of any
// ethertype, for the search for VLANs that are in use. Tags are in the frames, as on the wire: see
// vlan.Split. Nothing should be sent by it. Errors are those of Open.
func OpenTags(name string) (*Port, error) {
	p := &Port{trunk: true}
	filter := func(station) []bpf.Instruction { return tagsFilter() }
	if err := p.bind(Attachment{Interface: name}, unix.ETH_P_ALL, filter, noGroup); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p.mtu = p.iface.MTU + vlan.MaxDepth*vlan.TagLen
	return p, nil
}

// tagsFilter passes received frames with a tag, which the kernel may have removed.
func tagsFilter() []bpf.Instruction {
	front := slices.Concat(
		require(bpf.LoadExtension{Num: bpf.ExtType}, bpf.JumpNotEqual, outgoing),
		[]bpf.Instruction{vlanPresent, bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: 1}, verdict(tagSnapLen)})
	return slices.Concat(front, loadTag(addressesLen), []bpf.Instruction{verdict(tagSnapLen)})
}
