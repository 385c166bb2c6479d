package ppp_test

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/ppp"
	"upppoe/ppp/eap"
	"upppoe/ppp/pap"
)

// flight is a frame in flight, or an AuthResult in flight from AAA.
type flight struct {
	due    time.Time
	frame  []byte // nil: the result
	result ppp.AuthResult
	toPeer bool
}

// flights is a heap of flights, the earliest first.
type flights []flight

func (f flights) Len() int           { return len(f) }
func (f flights) Less(i, j int) bool { return f[i].due.Before(f[j].due) }
func (f flights) Swap(i, j int)      { f[i], f[j] = f[j], f[i] }
func (f *flights) Push(x any)        { *f = append(*f, x.(flight)) }
func (f *flights) Pop() any {
	last := (*f)[len(*f)-1]
	*f = (*f)[:len(*f)-1]
	return last
}

// lossyLink connects the two roles of a method. Until lossyUntil it loses, duplicates,
// delays and reorders frames.
type lossyLink struct {
	t             *testing.T
	now           time.Time
	lossyUntil    time.Time
	rand          *rand.Rand
	inFlight      flights
	authenticator ppp.Authenticator
	peer          ppp.AuthExchange
	requests      int

	authOutcomes, peerOutcomes []ppp.Outcome
}

const (
	secret      = "testpassword"
	lossyPeriod = 20 * time.Second // less than all retransmissions take
)

func newLossyLink(t *testing.T, m ppp.Method, password string, seed uint64) *lossyLink {
	start := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	entropy := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	l := &lossyLink{t: t, now: start, lossyUntil: start.Add(lossyPeriod), rand: rand.New(rand.NewPCG(seed, 1))}
	l.authenticator = m.NewAuthenticator(ppp.AuthenticatorConfig{Name: "ac", Rand: entropy})
	l.peer = m.NewPeer(ppp.Credentials{
		Name: "testuser", Rand: entropy,
		Secret: func(string) ([]byte, bool) { return []byte(password), true },
	})
	return l
}

// run continues until there is no deadline and nothing in flight.
func (l *lossyLink) run() {
	var q ppp.Queue
	l.authenticator.Start(l.now, &q)
	l.send(&q, true)
	l.peer.Start(l.now, &q)
	l.send(&q, false)
	for range 10_000 {
		next := ppp.Earliest(l.authenticator.Deadline(), l.peer.Deadline())
		if len(l.inFlight) > 0 {
			next = ppp.Earliest(next, l.inFlight[0].due)
		}
		if next.IsZero() {
			return
		}
		l.now = next
		l.handleAuthStep(l.authenticator.Advance(l.now, &q))
		l.send(&q, true)
		l.handlePeerStep(l.peer.Advance(l.now, &q))
		l.send(&q, false)
		for len(l.inFlight) > 0 && !l.inFlight[0].due.After(l.now) {
			l.deliver(heap.Pop(&l.inFlight).(flight), &q)
		}
	}
	l.t.Fatal("the exchanges never end")
}

func (l *lossyLink) deliver(f flight, q *ppp.Queue) {
	if f.frame == nil {
		l.handleAuthStep(l.authenticator.SetResult(l.now, f.result, q))
		l.send(q, true)
		return
	}
	_, information, err := ppp.ParseFrame(f.frame)
	if err != nil {
		l.t.Fatal(err)
	}
	c, err := ppp.ParseControl(information)
	if err != nil {
		l.t.Fatal(err)
	}
	// Errors are ignored: duplicates are often dropped.
	if f.toPeer {
		step, _ := l.peer.Receive(l.now, c, q)
		l.handlePeerStep(step)
	} else {
		step, _ := l.authenticator.Receive(l.now, c, q)
		l.handleAuthStep(step)
	}
	clear(f.frame) // as buffers are reused
	l.send(q, !f.toPeer)
}

func (l *lossyLink) send(q *ppp.Queue, toPeer bool) {
	for frame := range q.All() {
		copies := 1
		if l.now.Before(l.lossyUntil) && !notRetransmitted(frame) {
			copies = l.rand.IntN(3) // 0: lost
		}
		for range copies {
			delay := time.Duration(l.rand.IntN(1000)) * time.Millisecond
			heap.Push(&l.inFlight, flight{due: l.now.Add(delay), frame: append([]byte(nil), frame...), toPeer: toPeer})
		}
	}
	q.Reset()
}

// notRetransmitted reports whether a frame is EAP's Success or Failure, which are never
// retransmitted (RFC 3748 section 4.2).
func notRetransmitted(frame []byte) bool {
	return frame[1] == byte(ppp.EAP&0xff) && ppp.Code(frame[2]) >= eap.Success
}

func (l *lossyLink) handleAuthStep(s ppp.Step) {
	if s.Outcome == ppp.AwaitingResult {
		l.requests++
		message, ok := s.Response.Verify([]byte(secret))
		delay := time.Duration(l.rand.IntN(5000)) * time.Millisecond
		heap.Push(&l.inFlight, flight{due: l.now.Add(delay), result: ppp.AuthResult{Accepted: ok, Message: message}})
	} else if s.Outcome != ppp.Pending {
		l.authOutcomes = append(l.authOutcomes, s.Outcome)
	}
}

func (l *lossyLink) handlePeerStep(s ppp.Step) {
	if s.Outcome != ppp.Pending {
		l.peerOutcomes = append(l.peerOutcomes, s.Outcome)
	}
}

var methods = map[string]ppp.Method{
	"PAP": pap.Method, "CHAP MD5": chap.MD5, "MS-CHAPv2": chap.MSv2, "EAP MD5": eap.MD5,
}

// On a link that is lossy for a while, both sides come to the same, correct outcome, and
// there is one AuthResult.
func TestMethodsAgreeOnLossyLink(t *testing.T) {
	for name, m := range methods {
		for password, want := range map[string]ppp.Outcome{secret: ppp.Succeeded, "wrong": ppp.Failed} {
			for seed := range uint64(200) {
				l := newLossyLink(t, m, password, seed)
				l.run()
				got := fmt.Sprint(l.requests, l.authOutcomes, l.peerOutcomes)
				if exp := fmt.Sprint(1, []ppp.Outcome{want}, []ppp.Outcome{want}); got != exp {
					t.Errorf("%s, password %q, seed %d: %s, want %s", name, password, seed, got, exp)
				}
			}
		}
	}
}

// On a dead link both sides give up, after a bounded number of frames.
func TestMethodsGiveUpOnDeadLink(t *testing.T) {
	for name, m := range methods {
		l := newLossyLink(t, m, secret, 1)
		var q ppp.Queue
		l.authenticator.Start(l.now, &q)
		l.peer.Start(l.now, &q)
		start := l.now
		for steps := 0; ; steps++ {
			next := ppp.Earliest(l.authenticator.Deadline(), l.peer.Deadline())
			if next.IsZero() || steps > 100 {
				break
			}
			l.now = next
			l.handleAuthStep(l.authenticator.Advance(l.now, &q))
			l.handlePeerStep(l.peer.Advance(l.now, &q))
		}
		if got := fmt.Sprint(l.authOutcomes, l.peerOutcomes); got != fmt.Sprint([]ppp.Outcome{ppp.Failed}, []ppp.Outcome{ppp.Failed}) {
			t.Errorf("%s: %s, want one failure on each side", name, got)
		}
		if took := l.now.Sub(start); took > time.Minute || q.Len() > 10 {
			t.Errorf("%s: gave up after %v and %d frames", name, took, q.Len())
		}
	}
}
