package radv

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/mdlayher/ndp"
	"golang.org/x/net/ipv6"
)

// Packet is a received message.
type Packet struct {
	// Data is the ICMPv6 message, whose checksum the kernel has verified.
	Data []byte
	// Source and HopLimit are those of the IPv6 header. A zone of Source is ignored.
	Source   netip.Addr
	HopLimit int
}

// Message is a message to send, with a hop limit of 255 (RFC 4861 section 4) from our link-local
// address.
type Message struct {
	Data []byte // without checksum
	To   netip.Addr
}

// Reasons for which a message is dropped (RFC 4861 sections 6.1.1 and 6.1.2).
var (
	ErrHopLimit = errors.New("hop limit is not 255: it may come from off the link")
	ErrSource   = errors.New("source is not a link-local address")
	ErrMessage  = errors.New("malformed neighbor discovery message")
	ErrOption   = errors.New("option with a wrong length")
)

// AllRouters is the destination of solicitations (RFC 4291 section 2.7.1).
var AllRouters = netip.MustParseAddr("ff02::2")

var allNodes = netip.MustParseAddr("ff02::1")

// Lengths of messages without their options (RFC 4861 sections 4.1 and 4.2).
const (
	solicitationLen  = 8
	advertisementLen = 16
)

// check validates what both messages have in common, and returns the options.
func (p Packet) check(kind ipv6.ICMPType, header int) (options [][]byte, err error) {
	switch {
	case len(p.Data) < header || p.Data[0] != byte(kind) || p.Data[1] != 0:
		return nil, ErrMessage
	case p.HopLimit != ndp.HopLimit:
		return nil, fmt.Errorf("%w (%d)", ErrHopLimit, p.HopLimit)
	}
	return splitOptions(p.Data[header:])
}

// splitOptions splits options. An option of length 0 makes the message invalid (RFC 4861 section
// 6.1).
func splitOptions(b []byte) (options [][]byte, err error) {
	for len(b) > 0 {
		if len(b) < 2 || b[1] == 0 || 8*int(b[1]) > len(b) {
			return nil, ErrOption
		}
		options, b = append(options, b[:8*int(b[1])]), b[8*int(b[1]):]
	}
	return options, nil
}

// parseAdvertisement parses each option by itself: an invalid or unknown option does not affect the
// others.
func parseAdvertisement(p Packet) (*ndp.RouterAdvertisement, error) {
	options, err := p.check(ipv6.ICMPTypeRouterAdvertisement, advertisementLen)
	if err != nil {
		return nil, err
	}
	if !p.Source.Is6() || !p.Source.IsLinkLocalUnicast() {
		return nil, fmt.Errorf("%w (%v)", ErrSource, p.Source)
	}
	header := p.Data[:advertisementLen:advertisementLen]
	ra, err := parseRA(header)
	if err != nil {
		return nil, err
	}
	for _, o := range options {
		if one, err := parseRA(append(header, o...)); err == nil {
			ra.Options = append(ra.Options, one.Options...)
		}
	}
	return ra, nil
}

func parseRA(b []byte) (*ndp.RouterAdvertisement, error) {
	m, err := ndp.ParseMessage(b)
	if err != nil {
		return nil, err
	}
	ra, ok := m.(*ndp.RouterAdvertisement)
	if !ok {
		return nil, ErrMessage
	}
	return ra, nil
}

// sourceLinkLayerAddress is an option type (RFC 4861 section 4.6.1).
const sourceLinkLayerAddress = 1

// checkSolicitation applies RFC 4861 section 6.1.1.
func checkSolicitation(p Packet) error {
	options, err := p.check(ipv6.ICMPTypeRouterSolicitation, solicitationLen)
	if err != nil {
		return err
	}
	if p.Source.IsUnspecified() && hasSourceLinkLayerAddress(options) {
		return ErrSource
	}
	return nil
}

func hasSourceLinkLayerAddress(options [][]byte) bool {
	return slices.ContainsFunc(options, func(o []byte) bool { return o[0] == sourceLinkLayerAddress })
}
