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

// printer appends an option in pppd's words; false: it has none for it.
type printer func(b []byte, o ppp.Option) ([]byte, bool)

var lcpNames = []string{
	ppp.ConfigureRequest: "ConfReq", ppp.ConfigureAck: "ConfAck", ppp.ConfigureNak: "ConfNak",
	ppp.ConfigureReject: "ConfRej", ppp.TerminateRequest: "TermReq", ppp.TerminateAck: "TermAck",
	ppp.CodeReject: "CodeRej", ppp.ProtocolReject: "ProtRej", ppp.EchoRequest: "EchoReq",
	ppp.EchoReply: "EchoRep", ppp.DiscardRequest: "DiscReq", ppp.Identification: "Ident",
	ppp.TimeRemaining: "TimeRem",
}

// ccpNames are the common codes, and those of RFC 1962.
var ccpNames = append(append(lcpNames[:8:8], make([]string, 6)...), "ResetReq", "ResetAck")

// control returns a printer for LCP or a network control protocol.
func control(p ppp.Protocol, names []string, option printer) func([]byte, ppp.Control, Options) []byte {
	return func(b []byte, c ppp.Control, o Options) []byte {
		if p == ppp.LCP && c.Code == ppp.ProtocolReject {
			return appendProtocolReject(appendHeader(b, p, c, names), c, o)
		}
		return appendControl(b, p, c, names, option)
	}
}

// appendProtocolReject appends the protocol and the beginning of the rejected frame (RFC 1661
// section 5.7). It is one of ours: a frame of PAP contains our password.
func appendProtocolReject(b []byte, c ppp.Control, o Options) []byte {
	p, rest, err := ppp.ParseFrame(c.Data)
	if err != nil || p != ppp.PAP || o.ShowPassword {
		return appendHex(b, c.Data)
	}
	return appendSecret(appendHex(b, c.Data[:len(c.Data)-len(rest)]), p, rest, o)
}

// appendControl appends a packet of LCP or of a network control protocol.
func appendControl(b []byte, p ppp.Protocol, c ppp.Control, names []string, option printer) []byte {
	b = appendHeader(b, p, c, names)
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
			text = appendHex(b, o.AppendTo(nil))
		}
		b = append(text, '>')
	}
	return b
}

// appendMagic appends data that begins with a Magic-Number.
func appendMagic(b []byte, c ppp.Control) []byte {
	if len(c.Data) < 4 {
		return appendHex(b, c.Data)
	}
	b = fmt.Appendf(b, " magic=0x%x", binary.BigEndian.Uint32(c.Data))
	rest := c.Data[4:]
	switch {
	case c.Code == ppp.TimeRemaining && len(rest) >= 4:
		b = fmt.Appendf(b, " seconds=%d", binary.BigEndian.Uint32(rest))
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

// Numbers that pppd has names for, and the protocols here do not use.
const (
	linkQualityReport = 0xc025 // RFC 1989
	callbackControl   = 6      // the operation that Microsoft added to RFC 1570's Callback
	vanJacobson       = 0x2d   // RFC 1332 section 4
	oldVanJacobson    = 0x37
)

func lcpOption(b []byte, o ppp.Option) ([]byte, bool) {
	v := o.Value
	switch {
	case o.Type == lcp.OptMRU && len(v) == 2:
		return fmt.Appendf(b, "mru %d", binary.BigEndian.Uint16(v)), true
	case o.Type == lcp.OptACCM && len(v) == 4:
		return fmt.Appendf(b, "asyncmap 0x%x", binary.BigEndian.Uint32(v)), true
	case o.Type == lcp.OptAuth && len(v) >= 2:
		return appendAuth(append(b, "auth "...), v), true
	case o.Type == lcp.OptQuality && len(v) >= 2:
		return appendNumbered(append(b, "quality "...), binary.BigEndian.Uint16(v), linkQualityReport, "lqr", v[2:]), true
	case o.Type == lcp.OptCallback && len(v) >= 1:
		return appendNumbered(append(b, "callback "...), uint16(v[0]), callbackControl, "CBCP", v[1:]), true
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

// chapAlgorithms are pppd's names of the algorithms (RFC 1994 section 3, RFC 2433, RFC 2759).
var chapAlgorithms = map[byte]string{5: " MD5", 0x80: " MS", 0x81: " MS-v2"}

// AuthName returns pppd's name for the value of an Authentication-Protocol option. The value
// may be malformed.
func AuthName(value []byte) string {
	if len(value) < 2 {
		return fmt.Sprintf("0x%x", value)
	}
	return string(appendAuth(nil, value))
}

// appendAuth appends the value of an Authentication-Protocol option, unknown octets in
// hexadecimal.
func appendAuth(b, v []byte) []byte {
	p, rest := ppp.Protocol(binary.BigEndian.Uint16(v)), v[2:]
	switch p {
	case ppp.PAP:
		b = append(b, "pap"...)
	case ppp.EAP:
		b = append(b, "eap"...)
	case ppp.CHAP:
		b = append(b, "chap"...)
		if len(rest) > 0 && chapAlgorithms[rest[0]] != "" {
			b, rest = append(b, chapAlgorithms[rest[0]]...), rest[1:]
		}
	default:
		b = fmt.Appendf(b, "0x%x", uint16(p))
	}
	return appendHex(b, rest)
}

// appendNumbered appends a number, or its name if it is the known one.
func appendNumbered(b []byte, n, known uint16, name string, rest []byte) []byte {
	if n == known {
		return appendHex(append(b, name...), rest)
	}
	return appendHex(fmt.Appendf(b, "0x%x", n), rest)
}

func ipcpOption(b []byte, o ppp.Option) ([]byte, bool) {
	v := o.Value
	names := map[uint8]string{
		ipcp.OptAddress: "addr", ipcp.OptPrimaryDNS: "ms-dns1", ipcp.OptSecondaryDNS: "ms-dns2",
		ipcp.OptPrimaryNBNS: "ms-wins", ipcp.OptSecondaryNBNS: "ms-wins",
	}
	if name := names[o.Type]; name != "" && len(v) == 4 {
		return fmt.Appendf(b, "%s %v", name, netip.AddrFrom4([4]byte(v))), true
	}
	switch {
	case o.Type == ipcp.OptAddresses && len(v) == 8:
		return fmt.Appendf(b, "addrs %v %v", netip.AddrFrom4([4]byte(v)), netip.AddrFrom4([4]byte(v[4:]))), true
	case o.Type == ipcp.OptCompression && len(v) >= 2 && binary.BigEndian.Uint16(v) == oldVanJacobson:
		return appendHex(append(b, "compress old-VJ"...), v[2:]), true
	case o.Type == ipcp.OptCompression && len(v) >= 2:
		return appendNumbered(append(b, "compress "...), binary.BigEndian.Uint16(v), vanJacobson, "VJ", v[2:]), true
	}
	return b, false
}

// ipv6cpOption appends an identifier as pppd does: as an address with all digits.
func ipv6cpOption(b []byte, o ppp.Option) ([]byte, bool) {
	if v := o.Value; o.Type == ipv6cp.OptInterfaceID && len(v) == 8 {
		return fmt.Appendf(b, "addr fe80::%04x:%04x:%04x:%04x", v[:2], v[2:4], v[4:6], v[6:]), true
	}
	return b, false
}

// Options of RFC 1962's registry that peers send.
const (
	optPredictor1   = 1
	optPredictor2   = 2
	optMPPE         = 18 // RFC 3078
	optBSD          = 21 // RFC 1977
	optDeflateDraft = 24
	optDeflate      = 26 // RFC 1979
)

func ccpOption(b []byte, o ppp.Option) ([]byte, bool) {
	v := o.Value
	switch {
	case o.Type == optDeflate && len(v) == 2:
		return appendDeflate(append(b, "deflate"...), v), true
	case o.Type == optDeflateDraft && len(v) == 2:
		return appendDeflate(append(b, "deflate(old#)"...), v), true
	case o.Type == optBSD && len(v) == 1:
		return fmt.Appendf(b, "bsd v%d %d", v[0]>>5, v[0]&0x1f), true
	case o.Type == optMPPE && len(v) == 4:
		return appendMPPE(b, v), true
	case (o.Type == optPredictor1 || o.Type == optPredictor2) && len(v) == 0:
		return fmt.Appendf(b, "predictor %d", o.Type), true
	}
	return b, false
}

// appendDeflate appends the window size, and unusual values (RFC 1979 section 2.1).
func appendDeflate(b, v []byte) []byte {
	b = fmt.Appendf(b, " %d", v[0]>>4+8)
	if method := v[0] & 0xf; method != 8 {
		b = fmt.Appendf(b, " method %d", method)
	}
	if v[1] != 0 {
		b = fmt.Appendf(b, " check %d", v[1])
	}
	return b
}

// appendMPPE appends the bits of RFC 3078 section 2.1, each with its letter, and all octets if
// other bits are set.
func appendMPPE(b, v []byte) []byte {
	b = append(b, "mppe"...)
	bits := binary.BigEndian.Uint32(v)
	for _, bit := range []struct {
		mask   uint32
		letter string
	}{{1 << 24, "H"}, {0x80, "M"}, {0x40, "S"}, {0x20, "L"}, {0x10, "D"}, {0x01, "C"}} {
		sign := " -"
		if bits&bit.mask != 0 {
			sign, bits = " +", bits&^bit.mask
		}
		b = append(append(b, sign...), bit.letter...)
	}
	if bits != 0 {
		b = fmt.Appendf(b, " +U (% 02x)", v)
	}
	return b
}
