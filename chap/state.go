package chap

import (
	"time"

	"upppoe/internal/tlv"
	"upppoe/ppp"
)

// Tags of an authenticator's fields. They do not change.
const (
	tagID       = 1
	tagUser     = 2
	tagReplied  = 3 // the Response has had its Success
	tagMessage  = 4
	tagDeadline = 5
)

var _ ppp.ResumableAuthenticator = (*authenticator)(nil)

// AppendState implements ppp.ResumableAuthenticator.
func (a *authenticator) AppendState(b []byte, now time.Time) ([]byte, bool) {
	if !a.open || a.phase == failed {
		return b, false
	}
	return tlv.Append(b, func(c *tlv.Codec) {
		deadline := a.Deadline()
		if a.phase != authenticated {
			deadline = now // of a fresh Challenge: whoever resumes does not know the value of this one
		}
		a.fields(c, now, &deadline)
	}), true
}

// Resume implements ppp.ResumableAuthenticator.
func (a *authenticator) Resume(state []byte, now time.Time) error {
	a.phase, a.open = authenticated, true
	again := a.challenge.Timers.Rechallenge
	var deadline time.Time
	err := tlv.Parse(state, func(c *tlv.Codec) { a.fields(c, now, &deadline) })
	switch {
	case again <= 0:
		a.challenge = nil
	case deadline.IsZero():
		a.challenge.deadline = now.Add(again)
	default:
		a.challenge.deadline = deadline
	}
	return err
}

func (a *authenticator) fields(c *tlv.Codec, now time.Time, deadline *time.Time) {
	tlv.Uint(c, tagID, &a.id)
	tlv.Bytes(c, tagUser, &a.user)
	replied := a.reply == Success
	c.Bool(tagReplied, &replied)
	if c.Reading() && replied {
		a.reply = Success
	}
	tlv.Bytes(c, tagMessage, &a.message)
	if len(a.message) > maxMessage {
		c.Fail("a CHAP message of %d octets", len(a.message))
	}
	again := time.Duration(0)
	if a.challenge != nil {
		again = a.challenge.Timers.Rechallenge
	}
	c.Deadline(tagDeadline, now, again, deadline)
}
