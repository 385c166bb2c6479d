package ppp

import "time"

// A peer repeats its Configure-Request when our answer is late or lost, and links
// duplicate and delay frames. RFC 1661's table cannot tell such a duplicate from a new
// request, which takes the layer down in Opened. But section 5.1 can: "the Identifier
// field MUST be changed whenever the contents of the Options field changes, and whenever a
// valid reply has been received for a previous request". So a request with the same
// Identifier and the same options is a duplicate, and answering it changes nothing. These
// rules take precedence over the table.

// history records the peer's requests of one negotiation.
type history struct {
	last    uint32 // checksum of the last one answered; 0: there is none
	refused bool   // the last one was answered with Configure-Nak or -Reject
	// The latest maxRefusals refused ones before it; nil: there are none. The limits of the
	// automaton disconnect a peer whose requests are refused more often.
	refusedBefore *refusal
	repeats       *repeats // of the last one, received in Opened; nil: none
}

// refusal is a refused request, in a list with the latest first.
type refusal struct {
	sum    uint32 // its checksum
	before *refusal
}

const maxRefusals = 8

// contains reports whether a request is in the list.
func (r *refusal) contains(sum uint32) bool {
	for ; r != nil; r = r.before {
		if r.sum == sum {
			return true
		}
	}
	return false
}

// keep shortens the list to the latest n.
func (r *refusal) keep(n int) {
	for ; r != nil; r, n = r.before, n-1 {
		if n == 1 {
			r.before = nil
		}
	}
}

// repeats counts the duplicates of a request.
type repeats struct {
	count int
	since time.Time // when the first of them was received
}

// duplicateKind says whether a request is new.
type duplicateKind uint8

const (
	notDuplicate       duplicateKind = iota
	duplicateOfLast                  // of the last request answered
	duplicateOfEarlier               // of a request that was refused before the last one
)

// checksum is FNV-1a of 64 bits, of which it has the upper half, and never zero. A peer that
// constructs a collision between its own requests harms only itself.
func checksum(id uint8, options []byte) uint32 {
	const prime = 1<<40 + 0x1b3
	h := (0xcbf29ce484222325 ^ uint64(id)) * prime
	for _, b := range options {
		h = (h ^ uint64(b)) * prime
	}
	return uint32(h>>32) | 1
}

// find reports whether a request is a duplicate, and of which one.
func (h *history) find(c Control) duplicateKind {
	sum := checksum(c.ID, c.Data)
	switch {
	case h.last == sum:
		return duplicateOfLast
	case h.refusedBefore.contains(sum):
		return duplicateOfEarlier
	}
	return notDuplicate
}

// record stores a request that is being answered, and reports whether it is a duplicate
// of the last one.
func (h *history) record(c Control, refused bool) bool {
	sum := checksum(c.ID, c.Data)
	again := h.last == sum
	if h.last != 0 && h.refused && !again {
		h.refusedBefore = &refusal{h.last, h.refusedBefore}
		h.refusedBefore.keep(maxRefusals)
	}
	h.last, h.refused, h.repeats = sum, refused, nil
	return again
}

// receiveDuplicate handles a duplicate of a request, and reports whether it was one. The
// request that we acknowledged last is acknowledged again. An earlier one that was refused
// gets no answer, which could only undo what was agreed on since.
func (a *Automaton) receiveDuplicate(now time.Time, c Control, q *Queue) (done bool, err error) {
	kind := notDuplicate
	if a.state >= ReqSent { // in other states there is no negotiation: the table applies
		kind = a.peerRequests.find(c)
	}
	acknowledged := kind == duplicateOfLast && !a.peerRequests.refused && (a.state == AckSent || a.state == Opened)
	switch {
	case kind != duplicateOfEarlier && !acknowledged || a.peerStuck(now):
		return false, nil
	case kind == duplicateOfEarlier:
		return true, ErrSuperseded
	}
	q.Add(a.negotiator.Protocol(), Control{Code: ConfigureAck, ID: c.ID, Data: c.Data})
	return true, nil
}

// peerStuck counts a duplicate received in Opened, and reports whether the negotiation must
// begin again: the peer has repeated its request for Max-Configure Restart periods and more
// than Max-Configure times. Then it lacks not our answer but a request of ours: it has lost
// its state, and without a Magic-Number may begin again with the same octets.
func (a *Automaton) peerStuck(now time.Time) bool {
	if a.state != Opened {
		return false
	}
	h := &a.peerRequests
	if h.repeats == nil {
		h.repeats = &repeats{since: now}
	}
	h.repeats.count++
	n := a.limits.maxConfigure()
	return h.repeats.count > n && now.Sub(h.repeats.since) >= time.Duration(n)*a.limits.restart()
}
