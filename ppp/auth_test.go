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

// flight is a frame on its way, or a decision on its way back from whoever
// judges.
type flight struct {
	due      time.Time
	frame    []byte // nil: the decision
	decision ppp.AuthResult
	toPeer   bool
}

// air is all that is on its way, soonest first.
type air []flight

func (a air) Len() int           { return len(a) }
func (a air) Less(i, j int) bool { return a[i].due.Before(a[j].due) }
func (a air) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *air) Push(x any)        { *a = append(*a, x.(flight)) }
func (a *air) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

// line joins the two roles of a method by a line that loses, repeats, delays
// and reorders frames while it is bad.
type line struct {
	t      *testing.T
	now    time.Time
	bad    time.Time // until then
	dice   *rand.Rand
	air    air
	demand ppp.Authenticator
	answer ppp.AuthExchange
	asked  int

	demanded, answered []ppp.Outcome
}

const (
	secret = "testpassword"
	worst  = 20 * time.Second // how long a line is bad: less than all tries
)

func newLine(t *testing.T, m ppp.Method, password string, seed uint64) *line {
	start := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	entropy := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	l := &line{t: t, now: start, bad: start.Add(worst), dice: rand.New(rand.NewPCG(seed, 1))}
	l.demand = m.NewAuthenticator(ppp.AuthenticatorConfig{Name: "ac", Rand: entropy})
	l.answer = m.NewPeer(ppp.Credentials{
		Name: "testuser", Rand: entropy,
		Secret: func(string) ([]byte, bool) { return []byte(password), true },
	})
	return l
}

// run lets the two talk until nothing is due or on its way.
func (l *line) run() {
	var q ppp.Queue
	l.demand.Start(l.now, &q)
	l.send(&q, true)
	l.answer.Start(l.now, &q)
	l.send(&q, false)
	for range 10_000 {
		next := ppp.Earliest(l.demand.Deadline(), l.answer.Deadline())
		if len(l.air) > 0 {
			next = ppp.Earliest(next, l.air[0].due)
		}
		if next.IsZero() {
			return
		}
		l.now = next
		l.handleChallenge(l.demand.Advance(l.now, &q))
		l.send(&q, true)
		l.handleAnswer(l.answer.Advance(l.now, &q))
		l.send(&q, false)
		for len(l.air) > 0 && !l.air[0].due.After(l.now) {
			l.deliver(heap.Pop(&l.air).(flight), &q)
		}
	}
	l.t.Fatal("never quiet")
}

func (l *line) deliver(f flight, q *ppp.Queue) {
	if f.frame == nil {
		l.handleChallenge(l.demand.SetResult(l.now, f.decision, q))
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
	// What is dropped is no fault here: repetitions often are.
	if f.toPeer {
		step, _ := l.answer.Receive(l.now, c, q)
		l.handleAnswer(step)
	} else {
		step, _ := l.demand.Receive(l.now, c, q)
		l.handleChallenge(step)
	}
	clear(f.frame) // a buffer is used again
	l.send(q, !f.toPeer)
}

func (l *line) send(q *ppp.Queue, toPeer bool) {
	for frame := range q.All() {
		copies := 1
		if bad := l.now.Before(l.bad); bad && !sacred(frame) {
			copies = l.dice.IntN(3) // 0: lost
		}
		for range copies {
			delay := time.Duration(l.dice.IntN(1000)) * time.Millisecond
			heap.Push(&l.air, flight{due: l.now.Add(delay), frame: append([]byte(nil), frame...), toPeer: toPeer})
		}
	}
	q.Reset()
}

// sacred reports whether a frame is one that no repetition brings again: EAP's
// Success and Failure (RFC 3748 section 4.2).
func sacred(frame []byte) bool {
	return frame[1] == byte(ppp.EAP&0xff) && ppp.Code(frame[2]) >= eap.Success
}

func (l *line) handleChallenge(s ppp.Step) {
	if s.Outcome == ppp.AwaitingResult {
		l.asked++
		message, ok := s.Response.Verify([]byte(secret))
		think := time.Duration(l.dice.IntN(5000)) * time.Millisecond
		heap.Push(&l.air, flight{due: l.now.Add(think), decision: ppp.AuthResult{Accepted: ok, Message: message}})
	} else if s.Outcome != ppp.Pending {
		l.demanded = append(l.demanded, s.Outcome)
	}
}

func (l *line) handleAnswer(s ppp.Step) {
	if s.Outcome != ppp.Pending {
		l.answered = append(l.answered, s.Outcome)
	}
}

var methods = map[string]ppp.Method{
	"PAP": pap.Method, "CHAP MD5": chap.MD5, "MS-CHAPv2": chap.MSv2, "EAP MD5": eap.MD5,
}

// However bad the line is for a while, both sides come to one result, and to
// the right one; the authority is asked once.
func TestMethodsAgreeOverABadLine(t *testing.T) {
	for name, m := range methods {
		for password, want := range map[string]ppp.Outcome{secret: ppp.Succeeded, "wrong": ppp.Failed} {
			for seed := range uint64(200) {
				l := newLine(t, m, password, seed)
				l.run()
				got := fmt.Sprint(l.asked, l.demanded, l.answered)
				if exp := fmt.Sprint(1, []ppp.Outcome{want}, []ppp.Outcome{want}); got != exp {
					t.Errorf("%s, password %q, seed %d: %s, want %s", name, password, seed, got, exp)
				}
			}
		}
	}
}

// Nobody waits for ever on a dead line, and nobody floods it.
func TestMethodsGiveUpOnADeadLine(t *testing.T) {
	for name, m := range methods {
		l := newLine(t, m, secret, 1)
		var q ppp.Queue
		l.demand.Start(l.now, &q)
		l.answer.Start(l.now, &q)
		start := l.now
		for steps := 0; ; steps++ {
			next := ppp.Earliest(l.demand.Deadline(), l.answer.Deadline())
			if next.IsZero() || steps > 100 {
				break
			}
			l.now = next
			l.handleChallenge(l.demand.Advance(l.now, &q))
			l.handleAnswer(l.answer.Advance(l.now, &q))
		}
		if got := fmt.Sprint(l.demanded, l.answered); got != fmt.Sprint([]ppp.Outcome{ppp.Failed}, []ppp.Outcome{ppp.Failed}) {
			t.Errorf("%s: %s, want one failure on each side", name, got)
		}
		if took := l.now.Sub(start); took > time.Minute || q.Len() > 10 {
			t.Errorf("%s: gave up after %v and %d frames", name, took, q.Len())
		}
	}
}
