package ppp

// Parked is what an automaton needs while it has no timer and no negotiation: thousands are in Opened
// for hours. It takes 16 octets.
type Parked struct {
	refusedBefore *refusal // as in history
	lastRequest   uint32   // as in history

	state            State
	id               uint8
	requestID        uint8
	checkedOnRequest bool
}

// Park returns what Unpark makes the same automaton of. It returns false if there is more to keep.
func (a *Automaton) Park() (p Parked, ok bool) {
	h := &a.peerRequests
	if a.exchange != nil || !a.requested || h.refused || h.repeats != nil {
		return p, false
	}
	return Parked{h.refusedBefore, h.last, a.state, a.id, a.requestID, a.checkedOnRequest}, true
}

// Unpark is called after Init, with the same arguments as before, and before SetPeerMRU and
// SetRoundTrip.
func (a *Automaton) Unpark(p Parked) {
	a.peerRequests = history{last: p.lastRequest, refusedBefore: p.refusedBefore}
	a.state, a.id, a.requestID = p.state, p.id, p.requestID
	a.requested, a.checkedOnRequest = true, p.checkedOnRequest
}

// State returns the automaton's state.
func (p *Parked) State() State { return p.state }
