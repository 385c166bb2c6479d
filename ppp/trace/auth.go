package trace

import (
	"upppoe/chap"
	"upppoe/ppp"
	"upppoe/ppp/eap"
)

var chapNames = []string{chap.Challenge: "Challenge", chap.Response: "Response", chap.Success: "Success", chap.Failure: "Failure"}

func appendCHAP(b []byte, c ppp.Control) []byte {
	b = named(b, ppp.CHAP, c, chapNames)
	switch c.Code {
	case chap.Challenge, chap.Response:
		value, name, err := chap.ParseValue(c.Data)
		if err != nil {
			return append(b, " malformed"...)
		}
		b = appendRun(append(b, " <"...), value)
		return appendQuoted(append(b, ">, name = "...), name)
	case chap.Success, chap.Failure:
		return appendQuoted(append(b, ' '), c.Data)
	}
	return appendHex(b, c.Data)
}

func appendEAP(b []byte, c ppp.Control) []byte {
	b = named(b, ppp.EAP, c, eapNames)
	p, err := eap.ParsePacket(c)
	if err != nil {
		return append(b, " malformed"...)
	}
	if p.Code != eap.Request && p.Code != eap.Response {
		return appendHex(b, p.Data)
	}
	b = append(append(b, ' '), p.Type.String()...)
	switch p.Type {
	case eap.Identity, eap.Notification:
		return appendIdentity(b, p)
	case eap.MD5Challenge:
		return appendMD5(b, p)
	}
	return appendHex(b, p.Data)
}

func appendIdentity(b []byte, p eap.Packet) []byte {
	label := " <Message "
	if p.Code == eap.Response {
		label = " <Name "
	}
	if len(p.Data) == 0 {
		return append(b, label[:len(label)-1]+">"...)
	}
	return append(appendQuoted(append(b, label...), p.Data), '>')
}

func appendMD5(b []byte, p eap.Packet) []byte {
	value, name, err := chap.ParseValue(p.Data)
	if err != nil {
		return append(b, " malformed"...)
	}
	b = append(appendHex(append(b, " <Value"...), value), '>')
	if len(name) > 0 {
		b = append(appendQuoted(append(b, " <Name "...), name), '>')
	}
	return b
}
