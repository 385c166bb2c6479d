package pap

import (
	"time"

	"upppoe/internal/tlv"
	"upppoe/ppp"
)

// Tags of an authenticator's fields. They do not change.
const (
	tagUser    = 1
	tagMessage = 2
)

var _ ppp.ResumableAuthenticator = (*authenticator)(nil)

// AppendState implements ppp.ResumableAuthenticator. The password is not part of the state.
func (a *authenticator) AppendState(b []byte, _ time.Time) ([]byte, bool) {
	if a.reply.Code != AuthenticateAck {
		return b, false
	}
	return tlv.Append(b, a.fields), true
}

// Resume implements ppp.ResumableAuthenticator.
func (a *authenticator) Resume(state []byte, _ time.Time) error {
	a.reply.Code = AuthenticateAck
	return tlv.Parse(state, a.fields)
}

func (a *authenticator) fields(c *tlv.Codec) {
	tlv.Bytes(c, tagUser, &a.user)
	tlv.Bytes(c, tagMessage, &a.reply.Data)
	if _, err := ParseMessage(a.reply.Data); err != nil {
		c.Fail("PAP message: %v", err)
	}
}
