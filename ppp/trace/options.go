package trace

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"upppoe/ipcp"
	"upppoe/lcp"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
)

// printer appends an option in its protocol's words; false: it has none for it.
type printer func(b []byte, o ppp.Option) ([]byte, bool)

var lcpNames = []string{
	ppp.ConfigureRequest: "ConfReq", ppp.ConfigureAck: "ConfAck", ppp.ConfigureNak: "ConfNak",
	ppp.ConfigureReject: "ConfRej", ppp.TerminateRequest: "TermReq", ppp.TerminateAck: "TermAck",
	ppp.CodeReject: "CodeRej", ppp.ProtocolReject: "ProtRej", ppp.EchoRequest: "EchoReq",
	ppp.EchoReply: "EchoRep", ppp.DiscardRequest: "DiscReq", ppp.Identification: "Ident",
	ppp.TimeRemaining: "TimeRem",
}

// ccpNames are the shared codes, and RFC 1962's own.
var ccpNames = append(append(lcpNames[:8:8], make([]string, 6)...), "ResetReq", "ResetAck")

// appendControl appends a packet of LCP or of a network control protocol.
func appendControl(b []byte, p ppp.Protocol, c ppp.Control, names []string, option printer) []byte {
	b = named(b, p, c, names)
	switch c.Code {
	case ppp.ConfigureRequest, ppp.ConfigureAck, ppp.ConfigureNak, ppp.ConfigureReject:
		return appendOptions(b, c.Data, option)
	case ppp.TerminateRequest, ppp.TerminateAck:
		if len(c.Data) > 0 && c.Data[0] >= ' ' && c.Data[0] < 0x7f {
			return appendQuoted(append(b, ' '), c.Data)
		}
	case ppp.EchoRequest, ppp.EchoReply, ppp.DiscardRequest, ppp.Identification, ppp.TimeRemaining:
		return appendMagic(b, c)
	}
	return appendHex(b, c.Data)
}

func appendOptions(b, data []byte, option printer) []byte {
	options, err := ppp.ParseOptions(data)
	if err != nil {
		return appendHex(append(b, " malformed"...), data)
	}
	for o := range options.All() {
		b = append(b, " <"...)
		text, known := option(b, o)
		if !known {
			text = appendHex(fmt.Appendf(b, "%d", o.Type), o.Value)
		}
		b = append(text, '>')
	}
	return b
}

// appendMagic appends what begins with a Magic-Number.
func appendMagic(b []byte, c ppp.Control) []byte {
	if len(c.Data) < 4 {
		return appendHex(b, c.Data)
	}
	b = fmt.Appendf(b, " magic=0x%x", binary.BigEndian.Uint32(c.Data))
	rest := c.Data[4:]
	switch {
	case c.Code == ppp.TimeRemaining && len(rest) >= 4:
		b = fmt.Appendf(b, " seconds = %d", binary.BigEndian.Uint32(rest))
		rest = rest[4:]
		fallthrough
	case c.Code == ppp.Identification:
		if len(rest) > 0 {
			b = appendQuoted(append(b, ' '), rest)
		}
		return b
	}
	return appendHex(b, rest)
}

func lcpOption(b []byte, o ppp.Option) ([]byte, bool) {
	v := o.Value
	switch {
	case o.Type == lcp.OptMRU && len(v) == 2:
		return fmt.Appendf(b, "mru %d", binary.BigEndian.Uint16(v)), true
	case o.Type == lcp.OptACCM && len(v) == 4:
		return fmt.Appendf(b, "asyncmap 0x%x", binary.BigEndian.Uint32(v)), true
	case o.Type == lcp.OptAuth && len(v) >= 2:
		return appendAuth(append(b, "auth "...), v), true
	case o.Type == lcp.OptMagic && len(v) == 4:
		return fmt.Appendf(b, "magic 0x%x", binary.BigEndian.Uint32(v)), true
	case o.Type == lcp.OptPFC && len(v) == 0:
		return append(b, "pcomp"...), true
	case o.Type == lcp.OptACFC && len(v) == 0:
		return append(b, "accomp"...), true
	case o.Type == lcp.OptMRRU && len(v) == 2:
		return fmt.Appendf(b, "mrru %d", binary.BigEndian.Uint16(v)), true
	case o.Type == lcp.OptShortSeq && len(v) == 0:
		return append(b, "ssnhf"...), true
	}
	return b, false
}

func appendAuth(b, v []byte) []byte {
	p := ppp.Protocol(binary.BigEndian.Uint16(v))
	switch {
	case p == ppp.PAP && len(v) == 2:
		return append(b, "pap"...)
	case p == ppp.EAP && len(v) == 2:
		return append(b, "eap"...)
	case p == ppp.CHAP && len(v) == 3:
		if name := map[byte]string{5: "MD5", 0x80: "MS", 0x81: "MS-v2"}[v[2]]; name != "" {
			return append(append(b, "chap "...), name...)
		}
		return fmt.Appendf(b, "chap 0x%x", v[2])
	}
	return appendHex(fmt.Appendf(b, "0x%x", uint16(p)), v[2:])
}

func ipcpOption(b []byte, o ppp.Option) ([]byte, bool) {
	v := o.Value
	names := map[uint8]string{
		ipcp.OptAddress: "addr", ipcp.OptPrimaryDNS: "ms-dns1", ipcp.OptSecondaryDNS: "ms-dns2",
		ipcp.OptPrimaryNBNS: "ms-wins1", ipcp.OptSecondaryNBNS: "ms-wins2",
	}
	if name := names[o.Type]; name != "" && len(v) == 4 {
		return fmt.Appendf(b, "%s %v", name, netip.AddrFrom4([4]byte(v))), true
	}
	switch {
	case o.Type == ipcp.OptAddresses && len(v) == 8:
		return fmt.Appendf(b, "addrs %v %v", netip.AddrFrom4([4]byte(v)), netip.AddrFrom4([4]byte(v[4:]))), true
	case o.Type == ipcp.OptCompression && len(v) >= 2 && binary.BigEndian.Uint16(v) == 0x2d:
		return appendHex(append(b, "compress VJ"...), v[2:]), true
	case o.Type == ipcp.OptCompression && len(v) >= 2:
		return appendHex(fmt.Appendf(b, "compress 0x%x", binary.BigEndian.Uint16(v)), v[2:]), true
	}
	return b, false
}

// ipv6cpOption prints an identifier as pppd does: as an address, with all digits.
func ipv6cpOption(b []byte, o ppp.Option) ([]byte, bool) {
	if v := o.Value; o.Type == ipv6cp.OptInterfaceID && len(v) == 8 {
		return fmt.Appendf(b, "addr fe80::%04x:%04x:%04x:%04x", v[:2], v[2:4], v[4:6], v[6:]), true
	}
	return b, false
}

// ccpOption prints the options of RFC 1962's registry that real peers offer.
func ccpOption(b []byte, o ppp.Option) ([]byte, bool) {
	v := o.Value
	switch {
	case o.Type == 26 && len(v) == 2:
		return fmt.Appendf(b, "deflate %d", v[0]>>4+8), true
	case o.Type == 24 && len(v) == 2:
		return fmt.Appendf(b, "deflate(old#) %d", v[0]>>4+8), true
	case o.Type == 21 && len(v) == 1:
		return fmt.Appendf(b, "bsd v%d %d", v[0]>>5, v[0]&0x1f), true
	case o.Type == 18 && len(v) == 4:
		return fmt.Appendf(b, "mppe 0x%x", binary.BigEndian.Uint32(v)), true
	case o.Type == 1 && len(v) == 0:
		return append(b, "predictor 1"...), true
	}
	return b, false
}
