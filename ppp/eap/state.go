package eap

import (
	"time"

	"upppoe/internal/tlv"
	"upppoe/ppp"
)

// Tags of an authenticator's fields. They do not change.
const (
	tagID         = 1
	tagIdentity   = 2
	tagReplied    = 3 // the last Response has had its Success
	tagResultID   = 4
	tagResultData = 5
	tagDeadline   = 6
)

var (
	_ ppp.ResumableAuthenticator = (*authenticator)(nil)
	_ ppp.ResumableAuthenticator = (*passThrough)(nil)
)

// AppendState implements ppp.ResumableAuthenticator.
func (e *exchange) AppendState(b []byte, now time.Time) ([]byte, bool) {
	if !e.open || e.phase == failed {
		return b, false
	}
	return tlv.Append(b, func(c *tlv.Codec) {
		deadline := e.deadline
		if e.phase != authenticated {
			deadline = now // of a fresh Request: whoever resumes does not continue this one
		}
		e.fields(c, now, &deadline)
	}), true
}

// Resume implements ppp.ResumableAuthenticator.
func (e *exchange) Resume(state []byte, now time.Time) error {
	e.phase, e.open, e.request.Code = authenticated, true, Request
	err := tlv.Parse(state, func(c *tlv.Codec) { e.fields(c, now, &e.deadline) })
	switch again := e.timers.Rechallenge; {
	case again <= 0:
		e.deadline = time.Time{}
	case e.deadline.IsZero():
		e.deadline = now.Add(again)
	}
	return err
}

func (e *exchange) fields(c *tlv.Codec, now time.Time, deadline *time.Time) {
	tlv.Uint(c, tagID, &e.request.ID)
	tlv.Bytes(c, tagIdentity, &e.identity)
	replied := e.result.Code == Success
	c.Bool(tagReplied, &replied)
	if replied {
		e.result.Code = Success
		tlv.Uint(c, tagResultID, &e.result.ID)
		tlv.Bytes(c, tagResultData, &e.result.Data)
		if len(e.result.Data) > maxPacket {
			c.Fail("an EAP packet of %d octets", len(e.result.Data))
		}
	}
	c.Deadline(tagDeadline, now, e.timers.Rechallenge, deadline)
}
