package radv

import (
	"errors"
	"net/netip"

	"github.com/mdlayher/ndp"
	"golang.org/x/net/ipv6"
)

// ErrTarget reports a neighbor solicitation for an address that is not ours.
var ErrTarget = errors.New("solicited address is not ours")

// neighborSolicitationLen is the length of the message without options (RFC 4861 section 4.3).
const neighborSolicitationLen = 24

// AnswerNeighbor returns the router's answer to a neighbor solicitation for its own link-local
// address, on a link without link-layer addresses (RFC 4861 section 7.2.4). The error says why
// there is none: it is one of this package's (wrapped).
func AnswerNeighbor(own netip.Addr, p Packet) (Message, error) {
	options, err := p.check(ipv6.ICMPTypeNeighborSolicitation, neighborSolicitationLen)
	if err != nil {
		return Message{}, err
	}
	if netip.AddrFrom16([16]byte(p.Data[8:24])) != own {
		return Message{}, ErrTarget
	}
	if p.Source.IsUnspecified() && hasSourceLinkLayerAddress(options) {
		return Message{}, ErrSource
	}
	to := p.Source.WithZone("")
	if to.IsUnspecified() {
		to = allNodes // duplicate address detection (RFC 4862 section 5.4.4)
	}
	data, err := ndp.MarshalMessage(&ndp.NeighborAdvertisement{Router: true, Solicited: to != allNodes, Override: true, TargetAddress: own})
	return Message{data, to}, err
}
