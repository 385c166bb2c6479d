package ppp

import (
	"encoding/binary"

	"upppoe/internal/tlv"
)

// Tags of an automaton's fields. They do not change.
const (
	tagState            = 1
	tagID               = 2
	tagRequestID        = 3
	tagLastRequest      = 4
	tagCheckedOnRequest = 5
	tagRefused          = 6
)

// StoppedAutomaton returns what Unpark makes an automaton of that waits for the peer's Configure-Request.
func StoppedAutomaton() Parked { return Parked{state: Stopped} }

// Snapshot returns what Unpark continues, in another program, the automaton of. One that negotiates is
// Stopped there: it answers the peer's next Configure-Request.
func (a *Automaton) Snapshot() Parked {
	h := &a.peerRequests
	p := Parked{state: a.state, id: a.id, requestID: a.requestID, checkedOnRequest: a.checkedOnRequest}
	if a.exchange != nil {
		p.state = Stopped
	} else if !h.refused {
		p.lastRequest, p.refusedBefore = h.last, h.refusedBefore
	}
	return p
}

// AppendState appends the state of the automaton, encoded, which RestoreState reads.
func (p *Parked) AppendState(b []byte) []byte { return tlv.Append(b, p.fields) }

// RestoreState reads what AppendState has encoded, maybe in another version.
func (p *Parked) RestoreState(state []byte) error {
	*p = Parked{}
	return tlv.Parse(state, p.fields)
}

func (p *Parked) fields(c *tlv.Codec) {
	tlv.Uint(c, tagState, &p.state)
	if p.state < Closed || p.state >= stateCount || p.state.hasTimer() {
		c.Fail("an automaton cannot continue in state %v", p.state)
	}
	tlv.Uint(c, tagID, &p.id)
	tlv.Uint(c, tagRequestID, &p.requestID)
	tlv.Uint(c, tagLastRequest, &p.lastRequest)
	c.Bool(tagCheckedOnRequest, &p.checkedOnRequest)
	if c.Optional(tagRefused, p.refusedBefore != nil) {
		sums := p.refusedBefore.appendSums(nil)
		tlv.Bytes(c, tagRefused, &sums)
		if p.refusedBefore = parseSums(sums); len(sums)%4 != 0 || len(sums) > 4*maxRefusals {
			c.Fail("%d octets of checksums", len(sums))
		}
	}
}

// appendSums appends the checksums of the list, the latest first.
func (r *refusal) appendSums(b []byte) []byte {
	for ; r != nil; r = r.before {
		b = binary.BigEndian.AppendUint32(b, r.sum)
	}
	return b
}

func parseSums(b []byte) (latest *refusal) {
	end := &latest
	for ; len(b) >= 4; b = b[4:] {
		*end = &refusal{sum: binary.BigEndian.Uint32(b)}
		end = &(*end).before
	}
	return latest
}
