package explain

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"

	"upppoe/chap"
	"upppoe/ipcp"
	"upppoe/lcp"
	"upppoe/ppp"
	"upppoe/ppp/eap"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/pap"
	"upppoe/pppoe/wire"
)

// codeNames are the names of the codes of LCP and of network control protocols.
var codeNames = []string{
	ppp.ConfigureRequest: "Configure-Request", ppp.ConfigureAck: "Configure-Ack", ppp.ConfigureNak: "Configure-Nak",
	ppp.ConfigureReject: "Configure-Reject", ppp.TerminateRequest: "Terminate-Request", ppp.TerminateAck: "Terminate-Ack",
	ppp.CodeReject: "Code-Reject", ppp.ProtocolReject: "Protocol-Reject", ppp.EchoRequest: "Echo-Request",
	ppp.EchoReply: "Echo-Reply", ppp.DiscardRequest: "Discard-Request", ppp.Identification: "Identification",
	ppp.TimeRemaining: "Time-Remaining",
}

// authCodeNames are the names of the codes of the authentication protocols.
var authCodeNames = map[ppp.Protocol][]string{
	ppp.PAP:  {pap.AuthenticateRequest: "Authenticate-Request", pap.AuthenticateAck: "Authenticate-Ack", pap.AuthenticateNak: "Authenticate-Nak"},
	ppp.CHAP: {chap.Challenge: "Challenge", chap.Response: "Response", chap.Success: "Success", chap.Failure: "Failure"},
	ppp.EAP:  {eap.Request: "Request", eap.Response: "Response", eap.Success: "Success", eap.Failure: "Failure"},
}

// words returns the name of a control packet, and what it says.
func (a *Analyzer) words(p ppp.Protocol, c ppp.Control) (what, text string) {
	table := codeNames
	if auth := authCodeNames[p]; auth != nil {
		table = auth
	}
	what = fmt.Sprintf("code %d", c.Code)
	if int(c.Code) < len(table) && table[c.Code] != "" {
		what = table[c.Code]
	}
	switch p {
	case ppp.PAP:
		return what, a.papText(c)
	case ppp.CHAP:
		return what, chapText(c)
	case ppp.EAP:
		return what, eapText(c)
	}
	return what, controlText(p, c)
}

func (a *Analyzer) papText(c ppp.Control) string {
	if c.Code != pap.AuthenticateRequest {
		message, _ := pap.ParseMessage(c.Data)
		return quoteIfAny(message)
	}
	r, err := pap.ParseRequest(c.Data)
	switch {
	case err != nil:
		return "malformed"
	case a.opt.ShowPasswords:
		return fmt.Sprintf("user %s, password %s", quote(r.Name), quote(r.Password))
	}
	return fmt.Sprintf("user %s, password hidden", quote(r.Name))
}

func quoteIfAny(text []byte) string {
	if len(text) == 0 {
		return ""
	}
	return quote(text)
}

func chapText(c ppp.Control) string {
	switch c.Code {
	case chap.Challenge, chap.Response:
		_, name, err := chap.ParseValue(c.Data)
		if err != nil {
			return "malformed"
		}
		if c.Code == chap.Challenge {
			return "from " + quote(name) + ": prove that you know the secret"
		}
		return "user " + quote(name) + ", with the proof"
	}
	if failure, err := chap.ParseMSFailure(c.Data); err == nil && c.Code == chap.Failure {
		return fmt.Sprintf("error %d %s", failure.Error, quoteIfAny([]byte(failure.Message)))
	}
	return quoteIfAny(c.Data)
}

func eapText(c ppp.Control) string {
	p, err := eap.ParsePacket(c)
	switch {
	case err != nil:
		return "malformed"
	case p.Code != eap.Request && p.Code != eap.Response:
		return ""
	case p.Type == eap.Identity && p.Code == eap.Request:
		return "who are you?"
	case p.Type == eap.Identity:
		return "user " + quote(p.Data)
	case p.Type == eap.Notification:
		return "notification " + quoteIfAny(p.Data)
	case p.Type == eap.Nak:
		return "not this method; proposed: " + eapNames(p.Data)
	}
	return "method " + eapName(p.Type)
}

func eapNames(types []byte) string {
	var all []string
	for _, t := range types[:min(len(types), 8)] {
		all = append(all, eapName(eap.Type(t)))
	}
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, ", ")
}

// controlText is what a packet of LCP or a network control protocol says.
func controlText(p ppp.Protocol, c ppp.Control) string {
	switch c.Code {
	case ppp.ConfigureRequest:
		return "requests " + optionsText(p, c.Data, "no options")
	case ppp.ConfigureAck:
		return "accepts " + optionsText(p, c.Data, "no options")
	case ppp.ConfigureNak:
		return "proposes instead " + optionsText(p, c.Data, "nothing")
	case ppp.ConfigureReject:
		return "does not negotiate " + optionsText(p, c.Data, "nothing")
	case ppp.TerminateRequest, ppp.TerminateAck:
		if isText(c.Data) {
			return quote(c.Data)
		}
		return ""
	case ppp.ProtocolReject:
		if rejected, _, err := ppp.ParseFrame(c.Data); err == nil && p == ppp.LCP {
			return fmt.Sprintf("does not know the protocol %s", rejected)
		}
	case ppp.CodeReject:
		if len(c.Data) > 0 {
			return fmt.Sprintf("does not know the code %d", c.Data[0])
		}
	case ppp.Identification:
		if len(c.Data) > 4 {
			return quote(c.Data[4:])
		}
	case ppp.TimeRemaining:
		if len(c.Data) >= 8 {
			return fmt.Sprintf("%d seconds remain", binary.BigEndian.Uint32(c.Data[4:]))
		}
	}
	return ""
}

// optionsText is a list of options in words.
func optionsText(p ppp.Protocol, data []byte, none string) string {
	options, err := ppp.ParseOptions(data)
	if err != nil {
		return "malformed options"
	}
	var all []string
	for o := range options.All() {
		if len(all) == 24 {
			all = append(all, "...")
			break
		}
		all = append(all, optionText(p, o))
	}
	if len(all) == 0 {
		return none
	}
	return strings.Join(all, ", ")
}

// optionText is an option in words; one that is unknown or malformed in hexadecimal.
func optionText(p ppp.Protocol, o ppp.Option) string {
	text := ""
	switch p {
	case ppp.LCP:
		text = lcpText(o)
	case ppp.IPCP:
		text = ipcpText(o)
	case ppp.CCP:
		text = ccpNames[o.Type]
	case ppp.IPv6CP:
		if o.Type == ipv6cp.OptInterfaceID && len(o.Value) == 8 {
			text = "address " + ipv6cp.ID(o.Value).LinkLocal().String()
		}
	}
	if text != "" {
		return text
	}
	if len(o.Value) == 0 {
		return fmt.Sprintf("option %d", o.Type)
	}
	return fmt.Sprintf("option %d (%s)", o.Type, hex.EncodeToString(o.Value[:min(len(o.Value), 16)]))
}

func lcpText(o ppp.Option) string {
	v := o.Value
	switch {
	case o.Type == lcp.OptMRU && len(v) == 2:
		return fmt.Sprintf("MRU %d", binary.BigEndian.Uint16(v))
	case o.Type == lcp.OptAuth && len(v) >= 2:
		return "authentication by " + authName(v)
	case o.Type == lcp.OptMagic && len(v) == 4:
		return fmt.Sprintf("Magic-Number 0x%08x", binary.BigEndian.Uint32(v))
	case o.Type == lcp.OptPFC:
		return "Protocol-Field-Compression"
	case o.Type == lcp.OptQuality:
		return "Quality-Protocol"
	case o.Type == lcp.OptCallback:
		return "Callback"
	case o.Type == lcp.OptMRRU && len(v) == 2:
		return fmt.Sprintf("Multilink MRRU %d", binary.BigEndian.Uint16(v))
	case o.Type == lcp.OptEndpointDisc:
		return "Endpoint-Discriminator " + hex.EncodeToString(v[:min(len(v), 16)])
	}
	return forbidden[o.Type]
}

// ipcpNames are options of IPCP that are an address.
var ipcpNames = map[uint8]string{
	ipcp.OptAddress: "address", ipcp.OptPrimaryDNS: "DNS server", ipcp.OptSecondaryDNS: "second DNS server",
	ipcp.OptPrimaryNBNS: "WINS server", ipcp.OptSecondaryNBNS: "second WINS server",
}

func ipcpText(o ppp.Option) string {
	name := ipcpNames[o.Type]
	switch {
	case o.Type == ipcp.OptCompression:
		return "IP-Compression-Protocol"
	case name == "" || len(o.Value) != 4:
		return ""
	case [4]byte(o.Value) == [4]byte{}:
		return "any " + name
	}
	return name + " " + netip.AddrFrom4([4]byte(o.Value)).String()
}

// ccpNames are the options of CCP that peers request (IANA's registry; RFC 1962).
var ccpNames = map[uint8]string{1: "Predictor 1", 2: "Predictor 2", 17: "LZS", 18: "MPPE", 21: "BSD Compress", 24: "Deflate (draft)", 26: "Deflate"}

// vendorOf returns the vendor of an address, printable.
func (a *Analyzer) vendorOf(addr wire.Addr) string {
	if a.opt.Vendor == nil {
		return ""
	}
	return wire.EscapeName(a.opt.Vendor(addr))
}
