package trace

import (
	"encoding/hex"
	"errors"
	"fmt"

	"upppoe/chap"
	"upppoe/ppp"
	"upppoe/ppp/eap"
)

var chapNames = []string{chap.Challenge: "Challenge", chap.Response: "Response", chap.Success: "Success", chap.Failure: "Failure"}

func appendCHAP(b []byte, c ppp.Control) []byte {
	b = appendHeader(b, ppp.CHAP, c, chapNames)
	switch c.Code {
	case chap.Challenge, chap.Response:
		value, name, err := chap.ParseValue(c.Data)
		if err != nil {
			return append(b, " malformed"...)
		}
		b = hex.AppendEncode(append(b, " <"...), value)
		return appendQuoted(append(b, ">, name = "...), name)
	case chap.Success, chap.Failure:
		return appendQuoted(append(b, ' '), c.Data)
	}
	return appendHex(b, c.Data)
}

// eapTypes are pppd's names of types that package eap does not implement (RFC 3748 section
// 5, and IANA's registry).
var eapTypes = map[eap.Type]string{
	5: "OTP", 6: "Generic-Token", 13: "TLS", 19: "SRP", 21: "TTLS", 25: "PEAP", 26: "MSCHAPv2",
}

// eapType returns a type's name; empty: it has none.
func eapType(t eap.Type) string {
	if t >= eap.Identity && t <= eap.MD5Challenge {
		return t.String()
	}
	return eapTypes[t]
}

// Types whose Responses are a password (RFC 3748 sections 5.5 and 5.6).
const (
	oneTimePassword  eap.Type = 5
	genericTokenCard eap.Type = 6
)

func isPassword(p eap.Packet) bool {
	return p.Code == eap.Response && (p.Type == oneTimePassword || p.Type == genericTokenCard)
}

func appendEAP(b []byte, c ppp.Control, o Options) []byte {
	b = appendHeader(b, ppp.EAP, c, eapNames)
	p, err := eap.ParsePacket(c)
	switch {
	case errors.Is(err, eap.ErrType):
		return append(b, " <missing type>"...)
	case err != nil || p.Code != eap.Request && p.Code != eap.Response:
		return appendHex(b, c.Data)
	}
	if name := eapType(p.Type); name != "" {
		b = append(append(b, ' '), name...)
	} else {
		b = fmt.Appendf(b, " type=0x%x", uint8(p.Type))
	}
	switch {
	case p.Type == eap.Identity, p.Type == eap.Notification && p.Code == eap.Request:
		return appendIdentity(b, p)
	case p.Type == eap.MD5Challenge:
		return appendMD5(b, p)
	case p.Type == eap.Nak && p.Code == eap.Response:
		return appendNak(b, p)
	case isPassword(p) && !o.ShowPassword:
		return append(b, " <hidden>"...)
	}
	return appendHex(b, p.Data)
}

func appendIdentity(b []byte, p eap.Packet) []byte {
	switch {
	case len(p.Data) > 0 && p.Code == eap.Request:
		return append(appendQuoted(append(b, " <Message "...), p.Data), '>')
	case len(p.Data) > 0:
		return append(appendQuoted(append(b, " <Name "...), p.Data), '>')
	case p.Code == eap.Request:
		return append(b, " <No message>"...)
	}
	return b
}

func appendMD5(b []byte, p eap.Packet) []byte {
	value, name, err := chap.ParseValue(p.Data)
	switch {
	case len(p.Data) == 0:
		return append(b, " <missing length>"...)
	case err != nil:
		return appendHex(append(b, " <truncated>"...), p.Data)
	}
	b = append(b, " <Value"...)
	for _, c := range value {
		b = fmt.Appendf(b, " %02x", c)
	}
	if len(name) == 0 {
		return append(b, "> <No name>"...)
	}
	return append(appendQuoted(append(b, "> <Name "...), name), '>')
}

// appendNak appends the types that the peer proposes: the first with its name.
func appendNak(b []byte, p eap.Packet) []byte {
	if len(p.Data) == 0 {
		return append(b, " <missing hint>"...)
	}
	b = fmt.Appendf(b, " <Suggested-type %02X", p.Data[0])
	if name := eapType(eap.Type(p.Data[0])); name != "" {
		b = fmt.Appendf(b, " (%s)", name)
	}
	return appendHex(append(b, '>'), p.Data[1:])
}
