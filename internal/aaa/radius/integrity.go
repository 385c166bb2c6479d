package radius

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"net"

	"layeh.com/radius"
	"layeh.com/radius/rfc2869"
)

// Why a packet is dropped.
var (
	ErrSource                 = errors.New("RADIUS: packet from an address or port that is not a server's")
	ErrLength                 = errors.New("RADIUS: packet with a wrong length, or with an attribute that has one")
	ErrNotPending             = errors.New("RADIUS: answer that no request waits for: late, or doubled")
	ErrCode                   = errors.New("RADIUS: answer with a wrong Code")
	ErrAuthenticator          = errors.New("RADIUS: wrong authenticator: is the secret the server's?")
	ErrNoMessageAuthenticator = errors.New("RADIUS: no Message-Authenticator: make the server send it (CVE-2024-3596)")
	ErrMessageAuthenticator   = errors.New("RADIUS: wrong Message-Authenticator")
)

func isClosed(err error) bool { return errors.Is(err, net.ErrClosed) }

// Offsets in a packet (RFC 2865 section 3).
const (
	headerLen           = 20
	authenticatorOffset = 4
)

// trim returns the packet without padding (RFC 2865 section 3, Length).
func trim(b []byte) ([]byte, error) {
	if len(b) < headerLen {
		return nil, ErrLength
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	if n < headerLen || n > len(b) || n > radius.MaxPacketLength {
		return nil, ErrLength
	}
	return b[:n], nil
}

// messageAuthenticatorAt returns the offset of the value of a packet's Message-Authenticator; 0: it
// has none. The error is ErrLength, also if there is more than one.
func messageAuthenticatorAt(b []byte) (at int, err error) {
	for i := headerLen; i < len(b); {
		if len(b)-i < 2 || b[i+1] < 2 || int(b[i+1]) > len(b)-i {
			return 0, ErrLength
		}
		if b[i] == byte(rfc2869.MessageAuthenticator_Type) {
			if b[i+1] != 2+md5.Size || at != 0 {
				return 0, ErrLength
			}
			at = i + 2
		}
		i += int(b[i+1])
	}
	return at, nil
}

// messageAuthenticator computes the Message-Authenticator of a packet (RFC 3579 section 3.2), whose
// value is at an offset, with an authenticator in the header.
func messageAuthenticator(b []byte, at int, authenticator [16]byte, secret []byte) []byte {
	h := hmac.New(md5.New, secret)
	h.Write(b[:authenticatorOffset])
	h.Write(authenticator[:])
	h.Write(b[headerLen:at])
	h.Write(make([]byte, md5.Size))
	h.Write(b[at+md5.Size:])
	return h.Sum(nil)
}

// checkMessageAuthenticator checks a packet's Message-Authenticator. One that is missing is an error
// if it is required.
func checkMessageAuthenticator(b []byte, authenticator [16]byte, secret []byte, required bool) error {
	at, err := messageAuthenticatorAt(b)
	switch {
	case err != nil:
		return err
	case at == 0 && required:
		return ErrNoMessageAuthenticator
	case at == 0:
		return nil
	}
	if !hmac.Equal(messageAuthenticator(b, at, authenticator, secret), b[at:at+md5.Size]) {
		return ErrMessageAuthenticator
	}
	return nil
}

// authenticatorOf computes the Response Authenticator of an answer to a request with an authenticator,
// or, with that of zeros, the Request Authenticator of a request that is not random (RFC 2865 section
// 3, RFC 2866 section 3, RFC 5176 section 2.3).
func authenticatorOf(b []byte, request [16]byte, secret []byte) []byte {
	h := md5.New()
	h.Write(b[:authenticatorOffset])
	h.Write(request[:])
	h.Write(b[headerLen:])
	h.Write(secret)
	return h.Sum(nil)
}

// parseAnswer checks and parses the answer to a request.
func parseAnswer(b []byte, p *pending, secret []byte) (*radius.Packet, error) {
	code := radius.Code(b[0])
	if !answers(code, p.code) {
		return nil, ErrCode
	}
	if !hmac.Equal(authenticatorOf(b, p.authenticator, secret), b[authenticatorOffset:headerLen]) {
		return nil, ErrAuthenticator
	}
	if err := checkMessageAuthenticator(b, p.authenticator, secret, code != radius.CodeAccountingResponse); err != nil {
		return nil, err
	}
	packet, err := radius.Parse(b, secret)
	if err != nil {
		return nil, ErrLength
	}
	packet.Authenticator = p.authenticator // by which attributes are hidden (RFC 2868 section 3.5)
	return packet, nil
}

// answers reports whether a packet may be the answer to a request (RFC 5997 section 3: a server of
// accounting answers Status-Server with Accounting-Response).
func answers(answer, request radius.Code) bool {
	switch answer {
	case radius.CodeAccessAccept:
		return request == radius.CodeAccessRequest || request == radius.CodeStatusServer
	case radius.CodeAccessReject, radius.CodeAccessChallenge:
		return request == radius.CodeAccessRequest
	case radius.CodeAccountingResponse:
		return request == radius.CodeAccountingRequest || request == radius.CodeStatusServer
	}
	return false
}

// encodeRequest encodes a request. One with a random authenticator gets a Message-Authenticator as its
// first attribute; of accounting, the authenticator depends on the secret (RFC 2866 section 3).
func encodeRequest(p *radius.Packet) ([]byte, error) {
	if p.Code == radius.CodeAccountingRequest {
		return p.Encode()
	}
	return encodeSigned(p)
}

// encodeSigned encodes a packet with a Message-Authenticator as its first attribute, made with the
// authenticator of the packet.
func encodeSigned(p *radius.Packet) ([]byte, error) {
	p.Attributes = append(radius.Attributes{{Type: rfc2869.MessageAuthenticator_Type, Attribute: make([]byte, md5.Size)}}, p.Attributes...)
	b, err := p.MarshalBinary()
	if err != nil {
		return nil, err
	}
	const at = headerLen + 2
	copy(b[at:], messageAuthenticator(b, at, p.Authenticator, p.Secret))
	return b, nil
}

// ParseRequest checks and parses a request that has no random authenticator (RFC 5176 section 2.3:
// CoA-Request, Disconnect-Request). A Message-Authenticator must be right, and present if it is
// required.
func ParseRequest(b, secret []byte, required bool) (*radius.Packet, error) {
	b, err := trim(b)
	if err != nil {
		return nil, err
	}
	if code := radius.Code(b[0]); code != radius.CodeCoARequest && code != radius.CodeDisconnectRequest {
		return nil, ErrCode
	}
	if !hmac.Equal(authenticatorOf(b, [16]byte{}, secret), b[authenticatorOffset:headerLen]) {
		return nil, ErrAuthenticator
	}
	if err := checkMessageAuthenticator(b, [16]byte{}, secret, required); err != nil {
		return nil, err
	}
	packet, err := radius.Parse(b, secret)
	if err != nil {
		return nil, ErrLength
	}
	return packet, nil
}

// EncodeResponse encodes the response to a request, made by its Response method: with a
// Message-Authenticator as the first attribute.
func EncodeResponse(p *radius.Packet) ([]byte, error) {
	b, err := encodeSigned(p)
	if err != nil {
		return nil, err
	}
	copy(b[authenticatorOffset:], authenticatorOf(b, p.Authenticator, p.Secret))
	return b, nil
}
