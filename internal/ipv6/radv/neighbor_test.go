package radv

import (
	"bytes"
	"errors"
	"net/netip"
	"slices"
	"testing"

	"github.com/mdlayher/ndp"
)

// TestAnswerNeighbor: RFC 4861 sections 7.1.1 and 7.2.4.
func TestAnswerNeighbor(t *testing.T) {
	good := from(t, ours, &ndp.NeighborSolicitation{TargetAddress: peer, Options: []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Source, Addr: make([]byte, 6)}}})
	bare := from(t, netip.IPv6Unspecified(), &ndp.NeighborSolicitation{TargetAddress: peer})
	target := peer.As16()
	answer := func(flags byte) []byte { return append([]byte{136, 0, 0, 0, flags, 0, 0, 0}, target[:]...) }
	for name, c := range map[string]struct {
		packet Packet
		spoil  func(*Packet)
		err    error
		to     netip.Addr
		data   []byte
	}{
		"unicast":                           {good, func(*Packet) {}, nil, ours, answer(0xe0)},
		"duplicate address detection":       {bare, func(*Packet) {}, nil, allNodes, answer(0xa0)},
		"hop limit":                         {good, func(p *Packet) { p.HopLimit = 254 }, ErrHopLimit, netip.Addr{}, nil},
		"code":                              {good, func(p *Packet) { p.Data[1] = 1 }, ErrMessage, netip.Addr{}, nil},
		"short":                             {good, func(p *Packet) { p.Data = p.Data[:23] }, ErrMessage, netip.Addr{}, nil},
		"another target":                    {good, func(p *Packet) { p.Data[23]++ }, ErrTarget, netip.Addr{}, nil},
		"option length 0":                   {good, func(p *Packet) { p.Data[25] = 0 }, ErrOption, netip.Addr{}, nil},
		"link-layer address without source": {good, func(p *Packet) { p.Source = netip.IPv6Unspecified() }, ErrSource, netip.Addr{}, nil},
	} {
		p := c.packet
		p.Data = slices.Clone(p.Data)
		c.spoil(&p)
		if m, err := AnswerNeighbor(peer, p); !errors.Is(err, c.err) || m.To != c.to || !bytes.Equal(m.Data, c.data) {
			t.Errorf("%s: %v, % x, %v", name, m.To, m.Data, err)
		}
	}
}
