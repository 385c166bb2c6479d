package radius

import (
	"errors"
	"fmt"
	"slices"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"
	"layeh.com/radius/vendors/microsoft"

	"upppoe/chap"
	"upppoe/ppp"
	"upppoe/ppp/eap"
	"upppoe/ppp/pap"
	"upppoe/pppoe"
)

// Why a peer is rejected without a server.
var (
	errNoName       = errors.New("the peer has given no name")
	errLongName     = errors.New("the peer's name is longer than 253 octets")
	errLongPassword = errors.New("the peer's password is longer than 128 octets")
	errMethod       = errors.New("the authentication method is not for RADIUS")
)

// maxPassword is the longest User-Password, in octets (RFC 2865 section 5.2).
const maxPassword = 128

// accessRequest makes the Access-Request for a peer's response.
func (a *Authenticator) accessRequest(secret []byte, s pppoe.SessionInfo, r ppp.AuthResponse) (*radius.Packet, error) {
	switch name := r.User(); {
	case name == "":
		return nil, errNoName
	case len(name) > maxText:
		return nil, errLongName
	}
	p := radius.New(radius.CodeAccessRequest, secret)
	rfc2865.UserName_SetString(p, r.User())
	if err := addCredential(p, r); err != nil {
		return nil, err
	}
	a.cfg.NAS.AddSession(p, s)
	return p, nil
}

// addCredential adds what the peer authenticates itself with.
func addCredential(p *radius.Packet, r ppp.AuthResponse) error {
	switch r := r.(type) {
	case pap.Credential:
		if len(r.Password) > maxPassword {
			return errLongPassword
		}
		return rfc2865.UserPassword_SetString(p, string(r.Password))
	case chap.MD5Response:
		rfc2865.CHAPChallenge_Set(p, r.Challenge)
		return rfc2865.CHAPPassword_Set(p, append([]byte{r.ID}, r.Response...))
	case chap.MSv2Response:
		microsoft.MSCHAPChallenge_Set(p, r.Challenge[:])
		return microsoft.MSCHAP2Response_Set(p, msResponse(r))
	case eap.Relayed:
		addEAP(p, r)
		return nil
	}
	return fmt.Errorf("%w: %T", errMethod, r)
}

// eapMTU is the Framed-MTU that bounds the server's EAP packets (RFC 3579 section 2.4): it fits each link.
const eapMTU = 1400

// addEAP adds an EAP packet in as many attributes as it needs, one after the other (RFC 3579 section
// 3.1), and the State of the server's last answer.
func addEAP(p *radius.Packet, r eap.Relayed) {
	for part := range slices.Chunk(r.Packet, maxText) {
		p.Add(rfc2869.EAPMessage_Type, part)
	}
	if len(r.State) > 0 {
		rfc2865.State_Set(p, r.State)
	}
	rfc2865.FramedMTU_Set(p, eapMTU)
}

// msResponse returns the value of MS-CHAP2-Response (RFC 2548 section 2.3.2).
func msResponse(r chap.MSv2Response) []byte {
	b := append([]byte{r.ID, r.Flags}, r.PeerChallenge[:]...)
	b = append(b, make([]byte, 8)...)
	return append(b, r.Response[:]...)
}
