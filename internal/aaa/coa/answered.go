package coa

import (
	"net/netip"
	"time"
)

// maxAnswered bounds the requests that are remembered.
const maxAnswered = 8192

// answered are the requests that were answered, the oldest first. One goroutine uses it.
type answered struct {
	by    map[[16]byte]answer
	order [][16]byte
}

// answer is the answer to a request, which is repeated for retransmissions (RFC 5176 section 3.6).
type answer struct {
	at   time.Time
	from netip.AddrPort
	text []byte
}

// find returns the answer to a request by its authenticator, and who has sent it; invalid: nobody has.
// Requests from before a time are forgotten.
func (a *answered) find(since time.Time, authenticator [16]byte) ([]byte, netip.AddrPort) {
	for len(a.order) > 0 && a.by[a.order[0]].at.Before(since) {
		a.forget()
	}
	found := a.by[authenticator]
	return found.text, found.from
}

func (a *answered) forget() {
	delete(a.by, a.order[0])
	a.order = a.order[1:]
}

func (a *answered) add(now time.Time, authenticator [16]byte, from netip.AddrPort, text []byte) {
	if a.by == nil {
		a.by = make(map[[16]byte]answer)
	}
	if len(a.order) >= maxAnswered {
		a.forget()
	}
	a.by[authenticator] = answer{now, from, text}
	a.order = append(a.order, authenticator)
}
