package lcp

import (
	"bytes"
	"encoding/binary"
	"time"

	"upppoe/ppp"
)

// PathLimit is what a path was found to carry: less than was agreed on.
type PathLimit struct {
	MRU     int // of the packets that did not come through, as agreed on, in octets
	PathMRU int // of the largest that did
}

// Timing and bounds of the check of a path.
const (
	pathDelay = 3 * time.Second // the dial comes first
	pathWait  = time.Second     // for an answer
	pathTries = 4               // of the full size: lost packets are no small path
	pathSteps = 2               // of each other size
	// pathLeast is the least size that a path is believed to be limited to, since IPv6 could not
	// use a smaller one (RFC 8200 section 5). A peer that answers no Echo-Request of this size,
	// but short ones, does not answer long ones at all: that says nothing of the path.
	pathLeast = 1280
)

// pathMark begins the data of our requests behind the Magic-Number: answers bear it.
var pathMark = []byte("path")

// pathCheck finds out whether packets of the size agreed on come through, by an Echo-Request as
// long as that (RFC 4638 section 5.2), and if not, by others, which are that do. A value that is
// told answers and the time.
type pathCheck struct {
	enabled  bool
	deadline time.Time // zero: nothing is under way
	size     int       // agreed on
	passes   int       // the largest that came through; 0: none
	fails    int       // the least that did not
	trying   int       // 0: nothing was sent yet
	tries    int
	again    bool // the full size is tried once more, before it is said to be too much
	id       uint8
	found    *PathLimit
}

func (p *pathCheck) start(now time.Time, size int) {
	if !p.enabled || size <= pathLeast {
		return
	}
	*p = pathCheck{enabled: true, id: p.id, deadline: now.Add(pathDelay), size: size, fails: size + 1}
}

func (p *pathCheck) stop() { p.deadline = time.Time{} }

// advance sends what is due, and draws the conclusion from what has had no answer.
func (p *pathCheck) advance(now time.Time, l *Link, q *ppp.Queue) {
	if p.deadline.IsZero() || now.Before(p.deadline) {
		return
	}
	if p.trying > 0 && p.tries >= p.limit() && !p.missed() {
		p.stop()
		return
	}
	if p.trying == 0 {
		p.trying = p.size
	}
	p.send(now, l, q)
}

func (p *pathCheck) limit() int {
	if p.trying == p.size {
		return pathTries
	}
	return pathSteps
}

// missed is told that all tries of a size were in vain. It reports whether to go on.
func (p *pathCheck) missed() bool {
	if p.again || p.trying == pathLeast {
		if p.again {
			p.found = &PathLimit{p.size, p.passes}
		}
		return false
	}
	p.fails = p.trying
	p.next()
	return true
}

// next chooses the next size: between what passes and what fails.
func (p *pathCheck) next() {
	p.tries = 0
	switch {
	case p.passes == 0:
		p.trying = pathLeast
	case p.fails-p.passes > 1:
		p.trying = (p.passes + p.fails) / 2
	default:
		p.trying, p.again = p.size, true
	}
}

func (p *pathCheck) send(now time.Time, l *Link, q *ppp.Queue) {
	data := make([]byte, p.trying-ppp.ControlHeaderLen)
	binary.BigEndian.PutUint32(data, l.options.sentMagic())
	copy(data[magicLen:], pathMark)
	binary.BigEndian.PutUint16(data[magicLen+len(pathMark):], uint16(p.trying))
	p.id++
	q.Add(ppp.LCP, ppp.Control{Code: ppp.EchoRequest, ID: p.id, Data: data})
	p.tries++
	p.deadline = now.Add(pathWait)
}

// answered takes an Echo-Reply. It reports whether that was to one of ours, which a late one is
// too. Of a peer that cuts it short only the beginning is looked at.
func (p *pathCheck) answered(now time.Time, c ppp.Control) bool {
	rest, ours := bytes.CutPrefix(c.Data[magicLen:], pathMark)
	if !p.enabled || !ours || len(rest) < 2 {
		return false
	}
	size := int(binary.BigEndian.Uint16(rest))
	if p.deadline.IsZero() || size != p.trying {
		return true
	}
	p.passes = size
	if size == p.size {
		p.stop()
		return true
	}
	p.next()
	p.deadline = now
	return true
}

// TakePathLimit returns once that the path carries less than was agreed on; nil: that is not known.
func (l *Link) TakePathLimit() *PathLimit {
	found := l.path.found
	l.path.found = nil
	return found
}
