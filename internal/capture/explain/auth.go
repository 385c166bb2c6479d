package explain

import (
	"fmt"

	"upppoe/chap"
	"upppoe/lcp"
	"upppoe/ppp"
	"upppoe/ppp/eap"
	"upppoe/ppp/pap"
	"upppoe/pppoe/wire"
)

// authState is how a side authenticates itself to the other (RFC 1661 section 3.5).
type authState struct {
	required string // the protocol that LCP agreed on; empty: none
	protocol string // that is used
	user     string
	asked    request // the first Challenge, or EAP Request, since the last answer
	answers  request // the first answer since the last verdict
	sent     int     // answers since the last verdict
	verdict  bool
	accepted bool
	message  string
}

// lcpUp notes which sides must authenticate themselves.
func (c *conversation) lcpUp(l *layer) {
	for _, s := range []side{0, 1} {
		if v, ok := find(l.sides[s].agreed, lcp.OptAuth); ok {
			c.auth[s.other()].required = authName(v)
		}
	}
}

// answer notes what a side sent to authenticate itself.
func (a *authState) answer(f *frame, protocol, user string) {
	a.protocol, a.user = protocol, user
	if a.sent == 0 {
		a.answers = request{}
	}
	a.answers.send(f)
	a.sent++
	a.asked = request{}
}

// decide notes a verdict. The last one counts.
func (a *authState) decide(accepted bool, protocol, message string) {
	a.verdict, a.accepted, a.message, a.sent = true, accepted, message, 0
	a.asked = request{}
	if a.protocol == "" {
		a.protocol = protocol
	}
}

// pap explains a PAP packet (RFC 1334).
func (c *conversation) pap(f *frame, s side, p ppp.Control) {
	switch p.Code {
	case pap.AuthenticateRequest:
		c.hint(s)
		user := ""
		if r, err := pap.ParseRequest(p.Data); err == nil {
			user = wire.EscapeName(string(r.Name))
		}
		c.auth[s].answer(f, "PAP", user)
	case pap.AuthenticateAck, pap.AuthenticateNak:
		message, _ := pap.ParseMessage(p.Data)
		peer := &c.auth[s.other()]
		if peer.sent == 0 && !peer.verdict {
			c.unseen[s.other()] = true
		}
		peer.decide(p.Code == pap.AuthenticateAck, "PAP", wire.EscapeText(string(message)))
		if p.Code == pap.AuthenticateNak {
			c.problem(f, "pap-nak", fmt.Sprintf("%s refused the user%s and the password%s.", upperThe(s), named(peer.user), says(message)))
		}
	}
}

// named is an escaped name in a sentence.
func named(user string) string {
	if user == "" {
		return ""
	}
	return ` "` + user + `"`
}

// says is a peer's message in a sentence.
func says(message []byte) string {
	if len(message) == 0 {
		return ""
	}
	return ", and says " + quote(message)
}

// chap explains a CHAP packet (RFC 1994).
func (c *conversation) chap(f *frame, s side, p ppp.Control) {
	peer := &c.auth[s.other()]
	switch p.Code {
	case chap.Challenge:
		c.hint(s.other())
		peer.asked.send(f)
	case chap.Response:
		c.hint(s)
		value, name, _ := chap.ParseValue(p.Data)
		c.auth[s].answer(f, c.auth[s].chapName(value), wire.EscapeName(string(name)))
	case chap.Success, chap.Failure:
		if peer.sent == 0 && !peer.verdict {
			c.unseen[s.other()] = true
		}
		peer.decide(p.Code == chap.Success, peer.chapName(nil), wire.EscapeText(string(p.Data)))
		if p.Code == chap.Failure {
			c.chapFailure(f, s, peer, p.Data)
		}
	}
}

// chapName names the algorithm: by LCP, or by the length of a Response (RFC 2433 section 4, RFC 1994).
func (a *authState) chapName(value []byte) string {
	switch {
	case a.required != "" && a.required != "PAP" && a.required != "EAP":
		return a.required
	case len(value) == 16:
		return "CHAP with MD5"
	case len(value) == 49:
		return "MS-CHAP"
	}
	return "CHAP"
}

func (c *conversation) chapFailure(f *frame, s side, peer *authState, message []byte) {
	if failure, err := chap.ParseMSFailure(message); err == nil && peer.protocol != "CHAP with MD5" {
		c.problem(f, "mschap-failure", fmt.Sprintf("%s refused the user%s with error %d%s.", upperThe(s), named(peer.user), failure.Error, says([]byte(failure.Message))))
		return
	}
	c.problem(f, "chap-failure", fmt.Sprintf("%s refused the user%s and the password%s.", upperThe(s), named(peer.user), says(message)))
}

// eap explains an EAP packet (RFC 3748).
func (c *conversation) eap(f *frame, s side, control ppp.Control) {
	p, err := eap.ParsePacket(control)
	if err != nil {
		return
	}
	peer := &c.auth[s.other()]
	switch p.Code {
	case eap.Request:
		c.hint(s.other())
		peer.asked.send(f)
		if p.Type > eap.Nak {
			c.auth[s.other()].protocol = eapName(p.Type)
		}
	case eap.Response:
		c.eapResponse(f, s, p)
	case eap.Success:
		peer.decide(true, "EAP", "")
	case eap.Failure:
		peer.decide(false, "EAP", "")
		c.confirm("eap-no-method")
		if !c.found["eap-no-method"] {
			c.problem(f, "eap-failure", fmt.Sprintf("%s refused the user%s.", upperThe(s), named(peer.user)))
		}
	}
}

func (c *conversation) eapResponse(f *frame, s side, p eap.Packet) {
	mine := &c.auth[s]
	user, protocol := mine.user, mine.protocol
	switch {
	case p.Type == eap.Identity:
		user = wire.EscapeName(string(p.Data))
	case p.Type == eap.Nak:
		c.suspect(f, "eap-no-method", fmt.Sprintf("%s refuses the method %s, and %s has none that it proposes.", upperThe(s), orEAP(protocol), the(s.other())))
	}
	mine.answer(f, orEAP(protocol), user)
}

func orEAP(protocol string) string {
	if protocol == "" {
		return "EAP"
	}
	return protocol
}

// eapMethods are names of EAP types (RFC 3748 section 5, and IANA's registry).
var eapMethods = map[eap.Type]string{4: "MD5-Challenge", 5: "One-Time Password", 6: "Generic Token Card", 13: "TLS", 21: "TTLS", 25: "PEAP", 26: "MSCHAPv2"}

func eapName(t eap.Type) string {
	if name := eapMethods[t]; name != "" {
		return "EAP " + name
	}
	return fmt.Sprintf("EAP type %d", t)
}
