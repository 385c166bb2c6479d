package explain

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"upppoe/ipcp"
	"upppoe/lcp"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/trace"
)

// find returns the value of an option of a list that may be malformed.
func find(list []byte, typ uint8) ([]byte, bool) {
	options, err := ppp.ParseOptions(list)
	if err != nil {
		return nil, false
	}
	o, ok := options.Find(typ)
	return o.Value, ok
}

// mruOf returns the MRU that options request, or the default (RFC 1661 section 6.1).
func mruOf(options []byte) int {
	if v, ok := find(options, lcp.OptMRU); ok && len(v) == 2 {
		return int(binary.BigEndian.Uint16(v))
	}
	return lcp.DefaultMRU
}

// magicOf returns the Magic-Number that options request; 0: none.
func magicOf(options []byte) uint32 {
	if v, ok := find(options, lcp.OptMagic); ok && len(v) == 4 {
		return binary.BigEndian.Uint32(v)
	}
	return 0
}

// addressOf returns the address that an IPCP option requests; the zero Addr: none.
func addressOf(options []byte, typ uint8) netip.Addr {
	if v, ok := find(options, typ); ok && len(v) == 4 {
		return netip.AddrFrom4([4]byte(v))
	}
	return netip.Addr{}
}

// linkLocalOf returns the link-local address of the identifier that IPv6CP options request.
func linkLocalOf(options []byte) string {
	if v, ok := find(options, ipv6cp.OptInterfaceID); ok && len(v) == 8 {
		return ipv6cp.ID(v).LinkLocal().String()
	}
	return ""
}

// forbidden are the options of LCP that PPPoE must not negotiate (RFC 2516 section 7).
var forbidden = map[uint8]string{
	lcp.OptFCS: "FCS-Alternatives", lcp.OptACFC: "Address-and-Control-Field-Compression", lcp.OptACCM: "Async-Control-Character-Map",
}

// checkRequest looks for options that a request should not have.
func (c *conversation) checkRequest(l *layer, f *frame, s side, p ppp.Control) {
	options, err := ppp.ParseOptions(p.Data)
	if err != nil {
		return
	}
	switch l.protocol {
	case ppp.LCP:
		for o := range options.All() {
			c.checkLCPOption(f, s, o)
		}
		c.checkLoop(l, f, s)
	case ppp.IPCP:
		if a := addressOf(p.Data, ipcp.OptAddress); a == netip.IPv4Unspecified() {
			c.hint(s)
		}
	}
}

func (c *conversation) checkLCPOption(f *frame, s side, o ppp.Option) {
	name, isForbidden := forbidden[o.Type]
	switch {
	case isForbidden:
		c.problem(f, "forbidden-option", fmt.Sprintf("%s requests %s, which PPPoE must not use.", upperThe(s), name))
	case o.Type == lcp.OptAuth:
		c.hint(s.other()) // usually the AC asks
	case o.Type == lcp.OptMagic && len(o.Value) == 4 && binary.BigEndian.Uint32(o.Value) == 0:
		c.problem(f, "magic-zero", fmt.Sprintf("%s requests the Magic-Number 0.", upperThe(s)))
	case o.Type == lcp.OptMRU && len(o.Value) == 2:
		limit := max(ethernetMRU, c.disc.maxPayload)
		if mru := int(binary.BigEndian.Uint16(o.Value)); c.disc.done && mru > limit && c.disc.padses > 0 {
			c.problem(f, "mru-above-1492", fmt.Sprintf("%s requests an MRU of %d, but at most %d fits into the session's frames.", upperThe(s), mru, limit))
		}
	}
}

// checkLoop looks for requests of both sides with the same Magic-Number (RFC 1661 section 6.4).
func (c *conversation) checkLoop(l *layer, f *frame, s side) {
	magic := magicOf(l.sides[s].request)
	if magic != 0 && magic == magicOf(l.sides[s.other()].request) {
		c.suspect(f, "lcp-loop", fmt.Sprintf("Both ends have the Magic-Number 0x%08x: what is sent comes back.", magic))
	}
}

// refusedOption notes what the refusal of an option means.
func (c *conversation) refusedOption(l *layer, f *frame, s side, p ppp.Control, o ppp.Option) {
	rejected := p.Code == ppp.ConfigureReject
	switch {
	case l.protocol == ppp.LCP && o.Type == lcp.OptAuth:
		c.authRefused(l, f, s, rejected, o)
	case l.protocol == ppp.IPCP && o.Type == ipcp.OptAddress && s != c.host:
		c.addressRefused(f, s, rejected, o)
	case l.protocol == ppp.IPCP && rejected && (o.Type == ipcp.OptPrimaryDNS || o.Type == ipcp.OptSecondaryDNS):
		c.problem(f, "dns-rejected", fmt.Sprintf("%s refuses to assign DNS servers.", upperThe(s)))
	}
}

// authRefused notes that a side does not authenticate itself as the other requires.
func (c *conversation) authRefused(l *layer, f *frame, s side, rejected bool, o ppp.Option) {
	wanted, _ := find(l.sides[s.other()].request, lcp.OptAuth)
	text := fmt.Sprintf("%s requires authentication by %s; ", upperThe(s.other()), authName(wanted))
	if rejected {
		text += the(s) + " refuses to authenticate itself at all."
	} else {
		text += fmt.Sprintf("%s proposes %s, and they do not agree.", the(s), authName(o.Value))
	}
	c.suspect(f, "auth-mismatch", text)
}

// authName is the value of an Authentication-Protocol option in words.
func authName(v []byte) string {
	switch name := trace.AuthName(v); name {
	case "pap":
		return "PAP"
	case "eap":
		return "EAP"
	case "chap MD5":
		return "CHAP with MD5"
	case "chap MS":
		return "MS-CHAP"
	case "chap MS-v2":
		return "MS-CHAPv2"
	default:
		return name
	}
}

// addressRefused notes that the AC has no address for the host.
func (c *conversation) addressRefused(f *frame, s side, rejected bool, o ppp.Option) {
	switch {
	case rejected:
		c.suspect(f, "ipcp-no-address", fmt.Sprintf("%s refuses to give %s an address: it rejects the option IP-Address.", upperThe(s), the(s.other())))
	case len(o.Value) == 4 && [4]byte(o.Value) == [4]byte{}:
		c.suspect(f, "ipcp-no-address", fmt.Sprintf("%s has no address for %s: it proposes 0.0.0.0.", upperThe(s), the(s.other())))
	default:
		c.hint(s.other())
	}
}
