// Package trace formats PPP frames in the words of pppd's debug log, for logs, tests and
// documentation:
//
//	[LCP ConfReq id=0x1 <mru 1492> <magic 0x55ad3485>]
//
// Untrusted text is escaped: the output contains printable ASCII only. Passwords of PAP and
// EAP are hidden by default. It does not format discovery packets (package pppoe/wire does) or
// network-layer packets.
package trace

import (
	"fmt"

	"upppoe/ppp"
	"upppoe/ppp/eap"
	"upppoe/ppp/pap"
)

// Options configures the output.
type Options struct {
	ShowPassword bool // show passwords of PAP, and of EAP's types that send them as text
}

// maxOctets bounds the octets printed of an unknown packet.
const maxOctets = 32

// AppendFrame appends the text of a frame, which begins with its Protocol field. It accepts
// malformed frames. It may be called concurrently.
func AppendFrame(b, frame []byte, o Options) []byte {
	p, information, err := ppp.ParseFrame(frame)
	if err != nil {
		return appendHex(append(b, "[malformed]"...), frame)
	}
	print := printers[p]
	if print == nil {
		return appendHex(fmt.Appendf(b, "[proto=0x%x]", uint16(p)), information)
	}
	b = append(b, '[')
	c, err := ppp.ParseControl(information)
	if err != nil {
		return appendSecret(append(append(b, p.String()...), ']'), p, information, o)
	}
	return append(print(b, c, o), ']')
}

// printers append packets, by protocol.
var printers = map[ppp.Protocol]func(b []byte, c ppp.Control, o Options) []byte{
	ppp.LCP:    control(ppp.LCP, lcpNames, lcpOption),
	ppp.IPCP:   control(ppp.IPCP, lcpNames[:8], ipcpOption),
	ppp.IPv6CP: control(ppp.IPv6CP, lcpNames[:8], ipv6cpOption),
	ppp.CCP:    control(ppp.CCP, ccpNames, ccpOption),
	ppp.PAP:    appendPAP,
	ppp.CHAP:   func(b []byte, c ppp.Control, _ Options) []byte { return appendCHAP(b, c) },
	ppp.EAP:    appendEAP,
}

// appendHex appends octets, each after a space.
func appendHex(b, octets []byte) []byte {
	for _, c := range octets[:min(len(octets), maxOctets)] {
		b = fmt.Appendf(b, " %02x", c)
	}
	if len(octets) > maxOctets {
		b = append(b, " ..."...)
	}
	return b
}

// appendSecret appends octets of a protocol, unless they may contain a password.
func appendSecret(b []byte, p ppp.Protocol, octets []byte, o Options) []byte {
	if p == ppp.PAP && !o.ShowPassword {
		return append(b, " <hidden>"...)
	}
	return appendHex(b, octets)
}

// appendText appends text as pppd does, with escapes for all but printable ASCII.
func appendText(b, text []byte) []byte {
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\r':
			b = append(b, `\r`...)
		case c == '\t':
			b = append(b, `\t`...)
		case c < ' ' || c > '~':
			b = fmt.Appendf(b, `\%03o`, c)
		default:
			b = append(b, c)
		}
	}
	return b
}

func appendQuoted(b, text []byte) []byte {
	return append(appendText(append(b, '"'), text), '"')
}

// appendHeader appends a packet's protocol, the name of its code, and its Identifier.
func appendHeader(b []byte, p ppp.Protocol, c ppp.Control, names []string) []byte {
	b = append(b, p.String()...)
	if int(c.Code) < len(names) && names[c.Code] != "" {
		return fmt.Appendf(b, " %s id=0x%x", names[c.Code], c.ID)
	}
	return fmt.Appendf(b, " code=0x%x id=0x%x", uint8(c.Code), c.ID)
}

var papNames = []string{pap.AuthenticateRequest: "AuthReq", pap.AuthenticateAck: "AuthAck", pap.AuthenticateNak: "AuthNak"}

func appendPAP(b []byte, c ppp.Control, o Options) []byte {
	b = appendHeader(b, ppp.PAP, c, papNames)
	switch c.Code {
	case pap.AuthenticateRequest:
		r, err := pap.ParseRequest(c.Data)
		if err != nil {
			return append(b, " malformed"...) // its octets may contain a password
		}
		b = appendQuoted(append(b, " user="...), r.Name)
		if !o.ShowPassword {
			return append(b, " password=<hidden>"...)
		}
		return appendQuoted(append(b, " password="...), r.Password)
	case pap.AuthenticateAck, pap.AuthenticateNak:
		if text, err := pap.ParseMessage(c.Data); err == nil {
			return appendQuoted(append(b, ' '), text)
		}
	}
	return appendHex(b, c.Data)
}

var eapNames = []string{eap.Request: "Request", eap.Response: "Response", eap.Success: "Success", eap.Failure: "Failure"}
