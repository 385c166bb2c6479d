package session_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	"unsafe"

	"upppoe/lcp"
	"upppoe/ppp"
	"upppoe/ppp/session"
)

// TestCompactSize: a compact session takes little more than half the memory of another.
func TestCompactSize(t *testing.T) {
	if size := unsafe.Sizeof(session.Compact{}); size > 256 {
		t.Errorf("a Compact takes %d octets", size)
	}
}

// twins are a Session and a Compact that are called alike, and their peer.
type twins struct {
	t         *testing.T
	now       time.Time
	both      [2]link
	out       [2]session.Output
	cfg       *session.Config  // of the Compact
	sent      [][]byte         // by both
	requested ppp.AuthResponse // by both; nil: nothing
	peer      *side

	challenged bool // a challenge has had no result yet
}

// TestCompactIsASession: whatever comes, a Compact does what a Session does.
func TestCompactIsASession(t *testing.T) {
	parked := 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		w := newTwins(t, methods[r.IntN(len(methods))], r.IntN(3) == 0, func(*session.Config) {})
		for range 60 {
			w.step(r)
			for round := 0; round < 20 && w.exchange(r); round++ {
			}
			if w.both[1].(*session.Compact).IsParked() {
				parked++
			}
			w.now = w.now.Add(time.Duration(r.IntN(8000)) * time.Millisecond)
		}
	}
	if parked < 1000 {
		t.Errorf("it was parked after %d steps only", parked)
	}
}

// newTwins returns twins in phase Establish, which are servers or clients.
func newTwins(t *testing.T, m ppp.Method, clients bool, configure func(*session.Config)) *twins {
	mine, theirs := func() session.Config { return server(methodList(m)...) }, client()
	if clients {
		mine, theirs = client, server(methodList(m)...)
	}
	w := &twins{t: t, now: epoch, peer: &side{link: session.New(&theirs, session.Peer{})}}
	for i := range w.both {
		cfg := mine()
		cfg.LCP.Echo = lcp.Echo{Interval: 30 * time.Second, Failures: 3, Adaptive: clients}
		cfg.LCP.CheckPath = clients
		configure(&cfg)
		if i == 0 {
			w.both[i] = session.New(&cfg, session.Peer{})
		} else {
			w.both[i], w.cfg = newCompact(&cfg), &cfg
		}
	}
	w.call("Up", func(l link, out *session.Output) { l.Up(w.now, out) })
	w.peer.Up(w.now, &w.peer.out)
	return w
}

// call calls both, and compares what they do.
func (w *twins) call(what string, do func(l link, out *session.Output)) {
	w.t.Helper()
	var did [2]bytes.Buffer
	for i, l := range w.both {
		out, log := &w.out[i], &did[i]
		do(l, out)
		for frame, event := range out.All() {
			w.note(frame, event)
			fmt.Fprintf(log, "%x %T", frame, event)
			if _, ok := event.(session.AuthRequest); !ok { // which has pointers
				fmt.Fprintf(log, " %v", event)
			}
		}
		fmt.Fprintln(log, "\n", l.Phase(), l.MTU(), l.Deadline(), l.RoundTrip(), l.Unanswered())
	}
	if !bytes.Equal(did[0].Bytes(), did[1].Bytes()) {
		w.t.Fatalf("%s: the Session does\n%s, the Compact\n%s", what, &did[0], &did[1])
	}
	w.sent = append(w.sent, frames(&w.out[0])...)
	if request := (&side{out: w.out[0]}).authRequest(); request != nil {
		w.requested = request
	}
	w.out[0].Reset()
	w.out[1].Reset()
}

// note notes whether a challenge has had no result yet.
func (w *twins) note(frame []byte, event session.Event) {
	if _, ok := event.(session.Authenticated); ok {
		w.challenged = false
	}
	w.challenged = w.challenged || event == nil && isChallenge(frame)
}

// step is one step of one side, or time that passes for both.
func (w *twins) step(r *rand.Rand) {
	over := session.Reason{Cause: session.CauseUserRequest, Text: "over"}
	switch k := r.IntN(60); {
	case k == 0:
		w.call("Close", func(l link, out *session.Output) { l.Close(w.now, over, out) })
	case k == 1:
		w.call("Down", func(l link, out *session.Output) { l.Down(w.now, over, out) })
	case k == 2:
		w.peer.Close(w.now, over, &w.peer.out)
	case k < 6:
		w.call("CheckPeer", func(l link, out *session.Output) { l.CheckPeer(w.now, out) })
	case k < 10:
		w.call("NoteTraffic", func(l link, _ *session.Output) { l.NoteTraffic() })
	case k < 25:
		w.receive(randomFrame(r))
	default:
		w.call("Advance", func(l link, out *session.Output) { l.Advance(w.now, out) })
		w.peer.Advance(w.now, &w.peer.out)
	}
}

func (w *twins) receive(frame []byte) {
	w.note(frame, nil)
	w.call(fmt.Sprintf("Receive %x", frame), func(l link, out *session.Output) { l.Receive(w.now, frame, out) })
}

// randomFrame returns a frame of a protocol that the twins have, or of another one.
func randomFrame(r *rand.Rand) []byte {
	protocols := []ppp.Protocol{ppp.LCP, ppp.IPCP, ppp.IPv6CP, ppp.CHAP, ppp.PAP, ppp.EAP, 0x8281}
	data := []string{"", "\x01\x04\x05\xd4", "\x03\x06\xc0\x00\x02\x0a", "\x03\x06\x00\x00\x00\x00", "\x01\x0a\x00\x00\x00\x00\x00\x00\x00\x09", "\x00\x00\x00\x00", "\x80\x57\x01"}
	p := protocols[r.IntN(len(protocols))]
	c := ppp.Control{Code: ppp.Code(1 + r.IntN(13)), ID: byte(r.IntN(4)), Data: []byte(data[r.IntN(len(data))])}
	return c.AppendTo([]byte{byte(p >> 8), byte(p)})
}

// exchange delivers what both sides have sent, with losses, and accepts the passwords. It reports
// whether there was anything.
func (w *twins) exchange(r *rand.Rand) (moved bool) {
	toPeer, toTwins := w.sent, frames(&w.peer.out)
	mine, theirs := w.requested, w.peer.authRequest()
	w.sent, w.requested = nil, nil
	w.peer.out.Reset()
	for _, frame := range toPeer {
		if r.IntN(30) > 0 {
			w.peer.Receive(w.now, frame, &w.peer.out)
		}
	}
	for _, frame := range toTwins {
		if r.IntN(30) > 0 {
			w.receive(frame)
		}
	}
	if theirs != nil {
		w.peer.SetAuthResult(w.now, accepted(theirs), &w.peer.out)
	}
	if mine != nil {
		w.call("SetAuthResult", func(l link, out *session.Output) { l.SetAuthResult(w.now, accepted(mine), out) })
	}
	return len(toPeer)+len(toTwins) > 0
}

func accepted(response ppp.AuthResponse) ppp.AuthResult {
	message, ok := response.Verify([]byte("testpassword"))
	return ppp.AuthResult{Accepted: ok, Message: message}
}

// frames returns copies of the frames of an output.
func frames(out *session.Output) (all [][]byte) {
	for frame, event := range out.All() {
		if event == nil {
			all = append(all, slices.Clone(frame))
		}
	}
	return all
}
