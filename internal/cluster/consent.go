package cluster

import (
	"context"
	"crypto/rand"
	"time"
)

// maxAsked bounds the questions whose answers may still arrive.
const maxAsked = 64

// askForConsent asks the other machines for consent, if this one needs it.
func (e *Elector) askForConsent() {
	if e.cfg.Segment == nil {
		return
	}
	e.mu.Lock()
	now := Now()
	need := e.right.needsConsent(now)
	m := message{kind: question, from: e.cfg.Name}
	rand.Read(m.nonce[:]) // cannot fail
	if need {
		if len(e.asked) >= maxAsked {
			clear(e.asked)
		}
		e.asked[m.nonce] = now
	}
	e.mu.Unlock()
	if need {
		e.send(m) // one that is lost is asked again
	}
}

// receiveRetry is the pause after an error of the segment, as of an interface that is gone.
const receiveRetry = 200 * time.Millisecond

// listen answers questions of other machines, and receives their answers, until the segment is closed.
func (e *Elector) listen(ctx context.Context) {
	buffer := make([]byte, maxMessage+64) // frames are padded to 60 octets
	for ctx.Err() == nil {
		n, err := e.cfg.Segment.Receive(buffer)
		if err != nil {
			select {
			case <-ctx.Done():
			case <-time.After(receiveRetry):
			}
			continue
		}
		if m, err := parseMessage(buffer[:n], e.currentSecret(), e.right.others); err == nil {
			e.received(m)
		}
	}
}

func (e *Elector) received(m message) {
	if e.handle(m) {
		e.send(message{answer, e.cfg.Name, m.nonce})
	}
}

// send sends a message to all other machines. Errors are those of a segment that loses messages.
func (e *Elector) send(m message) { e.cfg.Segment.Send(m.appendTo(nil, e.currentSecret())) }

func (e *Elector) currentSecret() []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.secret
}

// handle handles a message, and reports whether this machine consents to its question.
func (e *Elector) handle(m message) (consents bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := Now()
	switch m.kind {
	case question:
		return e.right.consent(now)
	case answer:
		if asked, ok := e.asked[m.nonce]; ok {
			e.right.consentedBy(m.from, asked)
			e.apply()
		}
	}
	return false
}
