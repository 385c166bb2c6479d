package ppptest

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"

	"upppoe/ppp"
)

// Packet parses a packet in hexadecimal.
func Packet(t testing.TB, s string) ppp.Control {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatalf("packet %s: %v", s, err)
	}
	c, err := ppp.ParseControl(b)
	if err != nil {
		t.Fatalf("packet %s: %v", s, err)
	}
	return c
}

// Drain returns the packets in the queue and empties it. All must be of the protocol.
func Drain(t testing.TB, p ppp.Protocol, q *ppp.Queue) (sent []ppp.Control) {
	t.Helper()
	for frame := range q.All() {
		of, information, err := ppp.ParseFrame(bytes.Clone(frame))
		if err != nil || of != p {
			t.Fatalf("sent %x: protocol %v, error %v", frame, of, err)
		}
		c, err := ppp.ParseControl(information)
		if err != nil {
			t.Fatalf("sent %x: %v", frame, err)
		}
		sent = append(sent, c)
	}
	q.Reset()
	return sent
}

// Only returns the only packet in the queue and empties it. It must be of the protocol.
func Only(t testing.TB, p ppp.Protocol, q *ppp.Queue) ppp.Control {
	t.Helper()
	sent := Drain(t, p, q)
	if len(sent) != 1 {
		t.Fatalf("sent %d packets, want one: %v", len(sent), sent)
	}
	return sent[0]
}

// Receive passes a packet to an exchange, which must not drop it.
func Receive(t testing.TB, x ppp.AuthExchange, now time.Time, c ppp.Control, q *ppp.Queue) ppp.Step {
	t.Helper()
	step, err := x.Receive(now, c, q)
	if err != nil {
		t.Fatalf("%v dropped: %v", c, err)
	}
	return step
}

// Equal reports whether two packets are equal.
func Equal(a, b ppp.Control) bool { return bytes.Equal(a.AppendTo(nil), b.AppendTo(nil)) }
