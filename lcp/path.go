package lcp

import (
	"bytes"
	"encoding/binary"
	"time"

	"upppoe/ppp"
)

// PathLimit reports a path that carries less than the negotiated MRU.
type PathLimit struct {
	MRU     int // the negotiated size of packets, which did not arrive, in octets
	PathMRU int // the largest size that did
}

// Timers and bounds of the path check.
const (
	pathDelay   = 3 * time.Second // after LCP has opened: the dial comes first
	pathTimeout = time.Second     // for an answer
	pathTries   = 4               // of the full size: lost packets must not look like a small path
	probeTries  = 2               // of each other size
	// minPathMRU is the least size that is tried: with less, IPv6 would not work (RFC 8200
	// section 5). A peer that answers short Echo-Requests, but none of this size, answers no
	// long ones at all: nothing is known of the path.
	minPathMRU = 1280
)

// pathTag begins the data of our requests after the Magic-Number, and of their answers.
var pathTag = []byte("path")

// pathCheck finds out whether packets of the negotiated size arrive, with an Echo-Request of
// that size (RFC 4638 section 5.2), and if not, which size does. It receives answers and the
// time as arguments. A nil check is disabled.
type pathCheck struct {
	deadline       time.Time // zero: not running
	mru            int       // the negotiated size
	largestPassed  int       // 0: none
	smallestFailed int
	size           int  // the size being tried; 0: none yet
	tries          int  // of this size
	confirming     bool // the full size is tried once more, before a limit is reported
	id             uint8
	found          *PathLimit
}

func (p *pathCheck) start(now time.Time, mru int) {
	if p == nil || mru <= minPathMRU {
		return
	}
	*p = pathCheck{id: p.id, deadline: now.Add(pathDelay), mru: mru, smallestFailed: mru + 1}
}

func (p *pathCheck) stop() {
	if p != nil {
		p.deadline = time.Time{}
	}
}

// nextDeadline returns the time at which advance must be called; zero: never.
func (p *pathCheck) nextDeadline() time.Time {
	if p == nil {
		return time.Time{}
	}
	return p.deadline
}

// advance sends the next request, or evaluates those without an answer.
func (p *pathCheck) advance(now time.Time, l *Link, q *ppp.Queue) {
	if p == nil || p.deadline.IsZero() || now.Before(p.deadline) {
		return
	}
	if p.size > 0 && p.tries >= p.maxTries() && !p.failed() {
		p.stop()
		return
	}
	if p.size == 0 {
		p.size = p.mru
	}
	p.send(now, l, q)
}

func (p *pathCheck) maxTries() int {
	if p.size == p.mru {
		return pathTries
	}
	return probeTries
}

// failed handles a size whose requests had no answer, and reports whether the check
// continues.
func (p *pathCheck) failed() bool {
	if p.confirming || p.size == minPathMRU {
		if p.confirming {
			p.found = &PathLimit{p.mru, p.largestPassed}
		}
		return false
	}
	p.smallestFailed = p.size
	p.nextSize()
	return true
}

// nextSize chooses the next size, by bisection.
func (p *pathCheck) nextSize() {
	p.tries = 0
	switch {
	case p.largestPassed == 0:
		p.size = minPathMRU
	case p.smallestFailed-p.largestPassed > 1:
		p.size = (p.largestPassed + p.smallestFailed) / 2
	default:
		p.size, p.confirming = p.mru, true
	}
}

func (p *pathCheck) send(now time.Time, l *Link, q *ppp.Queue) {
	data := make([]byte, p.size-ppp.ControlHeaderLen)
	binary.BigEndian.PutUint32(data, l.negotiator.sentMagic())
	copy(data[magicLen:], pathTag)
	binary.BigEndian.PutUint16(data[magicLen+len(pathTag):], uint16(p.size))
	p.id++
	q.Add(ppp.LCP, ppp.Control{Code: ppp.EchoRequest, ID: p.id, Data: data})
	p.tries++
	p.deadline = now.Add(pathTimeout)
}

// receiveReply handles an Echo-Reply, and reports whether it answers a request of the check,
// even if late. The peer may truncate the data: only its beginning is used.
func (p *pathCheck) receiveReply(now time.Time, c ppp.Control) bool {
	rest, tagged := bytes.CutPrefix(c.Data[magicLen:], pathTag)
	if p == nil || !tagged || len(rest) < 2 {
		return false
	}
	size := int(binary.BigEndian.Uint16(rest))
	if p.deadline.IsZero() || size != p.size {
		return true
	}
	p.largestPassed = size
	if size == p.mru {
		p.stop()
		return true
	}
	p.nextSize()
	p.deadline = now
	return true
}

// TakePathLimit returns the limit that the path check has found, once, and then nil.
func (l *Link) TakePathLimit() *PathLimit {
	if l.path == nil {
		return nil
	}
	found := l.path.found
	l.path.found = nil
	return found
}
