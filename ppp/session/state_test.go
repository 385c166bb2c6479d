package session_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/lcp"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/session"
)

// TestRestoredIsASession: a Compact whose state is encoded and restored after any step does what a
// Session does.
func TestRestoredIsASession(t *testing.T) {
	restored := 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		w := newTwins(t, methods[r.IntN(len(methods))], r.IntN(3) == 0, func(c *session.Config) {
			c.LCP.CheckPath = false // it would begin again
			c.AuthTimers.Rechallenge = 20 * time.Second
		})
		for range 60 {
			w.step(r)
			for round := 0; round < 20 && w.exchange(r); round++ {
				if w.restore(r) {
					restored++
				}
			}
			if w.restore(r) {
				restored++
			}
			w.now = w.now.Add(time.Duration(r.IntN(8000)) * time.Millisecond)
		}
	}
	if restored < 1000 {
		t.Errorf("it was restored %d times only", restored)
	}
}

// restore replaces the Compact, mostly, by one restored from its state, if all of the state is encoded. It
// reports whether it has.
func (w *twins) restore(r *rand.Rand) bool {
	c := w.both[1].(*session.Compact)
	if !c.IsParked() || w.challenged || r.IntN(4) == 0 {
		return false
	}
	state, ok := c.AppendState(nil, w.now)
	if !ok {
		return false
	}
	w.both[1] = restore(w.t, w.cfg, state, w.now)
	if again, ok := w.both[1].(*session.Compact).AppendState(nil, w.now); !ok || !bytes.Equal(again, state) {
		w.t.Fatalf("state\n%x, encoded again\n%x", state, again)
	}
	return true
}

func restore(t *testing.T, cfg *session.Config, state []byte, now time.Time) *session.Compact {
	t.Helper()
	c := new(session.Compact)
	if err := c.Restore(cfg, state, now); err != nil {
		t.Fatalf("%v: %x", err, state)
	}
	return c
}

// isChallenge reports whether a frame asks for a response of CHAP or EAP.
func isChallenge(frame []byte) bool {
	p := ppp.Protocol(binary.BigEndian.Uint16(frame))
	return (p == ppp.CHAP || p == ppp.EAP) && ppp.Code(frame[2]) == chap.Challenge
}

// openPair returns an open pair, whose sides authenticate each other.
func openPair(t *testing.T, m ppp.Method) (p *pair, cfg *session.Config) {
	t.Helper()
	a, b := client(), server(m)
	a.LCP.RequireAuth, b.LCP.AllowAuth = []ppp.Method{m}, []ppp.Method{m}
	a.Name, b.Credentials = "client", a.Credentials
	b.LCP.Echo = lcp.Echo{Interval: 30 * time.Second, Failures: 3}
	b.AuthTimers.Rechallenge = time.Minute
	b.IPv6.Remote, a.IPv6.AcceptLocal = ipv6cp.ID{7: 9}, true
	a.Rand, b.Rand = counting(2), counting(1)
	p = newPair(t, a, b)
	p.side[1].link = newCompact(&b)
	p.up()
	if p.side[0].Phase() != session.PhaseNetwork {
		t.Fatalf("it is not open:\n%s", &p.log)
	}
	return p, &b
}

// state encodes the state of the pair's server.
func (p *pair) state() []byte {
	state, ok := p.side[1].link.(*session.Compact).AppendState(nil, p.now)
	if !ok {
		p.t.Fatal("nothing to encode")
	}
	return state
}

// TestRestoreMutual: a session in which both sides have authenticated themselves, whose peer has repeated
// its request and so is not parked, continues, with a fresh challenge if one was outstanding.
func TestRestoreMutual(t *testing.T) {
	for _, m := range methods[1:] {
		p, cfg := openPair(t, m)
		p.lose = func(int, []byte) bool { return true }
		p.pass(65 * time.Second) // a challenge is outstanding
		p.lose = nil
		p.side[1].link = restore(t, cfg, p.state(), p.now)
		p.side[1].events = nil
		p.log.Reset()
		p.side[1].CheckPeer(p.now, &p.side[1].out)
		p.pump()
		p.pass(2 * time.Minute)
		rechallenges := m.Option()[0] == 0xc2 // CHAP and EAP
		if has[session.Authenticated](p.side[1]) != rechallenges || p.side[1].Unanswered() != 0 {
			t.Errorf("%v: after it was restored:\n%s", m, &p.log)
		}
		for _, s := range p.side {
			if s.Phase() != session.PhaseNetwork {
				t.Errorf("%v: the %s is in phase %v:\n%s", m, s.name, s.Phase(), &p.log)
			}
		}
	}
}

// TestRestoreNegotiating: IPv6, which the peer does not answer, does not keep IPv4 from being restored, and
// opens when the peer requests it.
func TestRestoreNegotiating(t *testing.T) {
	b := server()
	p := newPair(t, client(), b)
	p.lose = func(_ int, frame []byte) bool { return ppp.Protocol(binary.BigEndian.Uint16(frame)) == ppp.IPv6CP }
	p.up()
	state := p.state()
	p.lose = nil
	p.side[1].link = restore(t, &b, state, p.now)
	p.side[1].events = nil
	p.pass(10 * time.Second)
	if !has[session.IPv6Up](p.side[1]) || has[session.IPv4Up](p.side[1]) || has[session.NetworkDown](p.side[1]) {
		t.Errorf("after it was restored:\n%s", &p.log)
	}
}

// TestRestoreAnotherFamily: a family that the configuration has got meanwhile opens when the peer
// requests it; one that it no longer has is an error.
func TestRestoreAnotherFamily(t *testing.T) {
	b := server()
	v6 := b.IPv6
	b.IPv6 = nil
	p := newPair(t, client(), b)
	p.up()
	b.IPv6 = v6
	both := restore(t, &b, p.state(), p.now)
	var out session.Output
	id := ppp.Control{Code: ppp.ConfigureRequest, ID: 1, Data: []byte("\x01\x0a\x00\x00\x00\x00\x00\x00\x00\x09")}
	both.Receive(p.now, id.AppendTo([]byte{0x80, 0x57}), &out)
	if sent := frames(&out); len(sent) != 2 {
		t.Errorf("a request of IPv6CP got %x, want a request and an Ack", sent)
	}
	b.IPv4 = nil
	wantErr(t, &b, p.state(), "IPv4")
}

func wantErr(t *testing.T, cfg *session.Config, state []byte, text string) {
	t.Helper()
	c := newCompact(cfg)
	err := c.Restore(cfg, state, epoch)
	if !errors.Is(err, session.ErrState) || !strings.Contains(err.Error(), text) || c.Phase() != session.PhaseDead {
		t.Errorf("error %v in phase %v, want %q", err, c.Phase(), text)
	}
}

// TestNothingToRestore: a session that is not open has no state.
func TestNothingToRestore(t *testing.T) {
	p, _ := openPair(t, chap.MD5)
	c := p.side[1].link.(*session.Compact)
	c.Close(p.now, session.Reason{Cause: session.CauseUserRequest}, &p.side[1].out)
	for what, c := range map[string]*session.Compact{"closing": c, "new": newCompact(p.cfg(t))} {
		if state, ok := c.AppendState([]byte("x"), p.now); ok || string(state) != "x" {
			t.Errorf("%s: state %x", what, state)
		}
	}
}

func (*pair) cfg(t *testing.T) *session.Config {
	_, cfg := openPair(t, chap.MD5)
	return cfg
}

// golden is a state as the first version has written it. Later versions must read it: it is not to be
// written again.
const golden = "testdata/state.hex"

func goldenState(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	state, err := hex.DecodeString(strings.Join(strings.Fields(string(b)), ""))
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func TestGoldenState(t *testing.T) {
	p, cfg := openPair(t, chap.MD5)
	state := p.state()
	if _, err := os.Stat(golden); err != nil && *update {
		if err := os.WriteFile(golden, []byte(hexLines(state)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := goldenState(t); !bytes.Equal(state, want) {
		t.Errorf("state\n%s, want\n%s", hexLines(state), hexLines(want))
	}
	c := restore(t, cfg, goldenState(t), epoch)
	if c.MTU() != 1492 || !c.Deadline().Equal(epoch.Add(30*time.Second)) {
		t.Errorf("MTU %d, deadline after %v", c.MTU(), c.Deadline().Sub(epoch))
	}
}

func hexLines(b []byte) (lines string) {
	for line := range slices.Chunk(b, 32) {
		lines += fmt.Sprintf("%x\n", line)
	}
	return lines
}

// TestRestoreErrors: whatever is not a state is an error, and never more.
func TestRestoreErrors(t *testing.T) {
	state, cfg := goldenState(t), (*pair)(nil).cfg(t)
	for n := range state {
		wantErr(t, cfg, state[:n], "")
	}
	wantErr(t, cfg, append(slices.Clone(state), 0), "length")
	other := slices.Clone(state)
	other[0] = 2
	wantErr(t, cfg, other, "unknown version 2, not 1")
	for _, c := range []struct {
		path  []byte
		value string
		want  string
	}{
		{[]byte{1}, "", "LCP: malformed state: field 1 is missing"},
		{[]byte{1, 1, 1}, "\x06", "cannot continue in state Req-Sent"},
		{[]byte{1, 1, 1}, "\x80", "cannot continue in state none"},
		{[]byte{1, 1, 1}, "\x03", "LCP is in state Stopped"},
		{[]byte{1, 1, 6}, "\x03", "1 octets of checksums"},
		{[]byte{1, 2}, "\x7f", "the MRU is bounded by 127"},
		{[]byte{1, 3}, "\x7f", "MRU 127"},
		{[]byte{1, 3}, "\x05\xdd", "MRU 1501"},
		{[]byte{1, 4}, "\x7f", "peer's MRU 127"},
		{[]byte{1, 4}, "\x05\xdc", "peer's MRU 1500"},
		{[]byte{1, 4}, "\x01\x00\x00", "the number 65536 of field 4 is too large"},
		{[]byte{1, 5}, "", "Magic-Number is zero"},
		{[]byte{1, 6}, "\x02", "neither 0 nor 1"},
		{[]byte{1, 7}, "\x05", "looped"},
		{[]byte{1, 8}, "\xc0\x23", "does not allow the authentication protocol c023"},
		{[]byte{1, 9}, "\xc0\x23", "does not allow the authentication protocol c023"},
		{[]byte{1, 14}, "\x01", "field 14 has 1 octets, not 8"},
		{[]byte{2, 1, 1}, "\x03", "IPCP: malformed state: it is in state Stopped, up: true"},
		{[]byte{2, 2, 3}, "\xc0\x00\x02", "field 3 has 3 octets, not 4"},
		{[]byte{2, 2, 3}, "\xc0\x00\x02\x09", "our address is 192.0.2.9, but the configuration has 192.0.2.1"},
		{[]byte{2, 2, 6}, "\x7f\x00\x00\x01", "could not determine remote IP address"},
		{[]byte{2, 2, 10}, "\x7f\x00\x00\x01\x00", "addresses with 5 octets"},
		{[]byte{2, 2, 11}, "\x7f\x00\x00\x01", "1 DNS servers"},
		{[]byte{2, 5}, "\x01", "failed: true"},
		{[]byte{3, 2, 1}, "\x01", "field 1 has 1 octets, not 8"},
		{[]byte{3, 2, 3}, "12345678", "our interface identifier is 3132333435363738"},
		{[]byte{3, 2, 5}, "\x00\x00\x00\x00\x00\x00\x00\x01", "two different interface identifiers"},
		{[]byte{8}, "", "a side is not authenticated"},
		{[]byte{9}, "", "a side is not authenticated"},
		{[]byte{10}, "", "CHAP: malformed state: field 1 is missing"},
		{[]byte{10, 4}, strings.Repeat("x", 256), "a CHAP message of 256 octets"},
	} {
		wantErr(t, cfg, edit(state, c.path, c.value), c.want)
	}
	restore(t, cfg, edit(state, []byte{200}, "a later version"), epoch)
	restore(t, cfg, edit(state, []byte{2, 2, 200}, "a later version"), epoch)
	cfg.LCP.RequireAuth = []ppp.Method{chap.MSv2}
	wantErr(t, cfg, state, "does not allow the authentication protocol c22305")
}

// edit returns the state with another value of a field, which may be new, of a field of fields.
func edit(state, path []byte, value string) []byte {
	_, size := binary.Uvarint(state[1:])
	fields := editFields(state[1+size:], path, value)
	return append(binary.AppendUvarint(state[:1:1], uint64(len(fields))), fields...)
}

func editFields(fields, path []byte, value string) (edited []byte) {
	done := false
	add := func(tag byte, value []byte) {
		edited = append(binary.AppendUvarint(append(edited, tag), uint64(len(value))), value...)
	}
	for len(fields) > 0 {
		n, size := binary.Uvarint(fields[1:])
		tag, v := fields[0], fields[1+size:1+size+int(n)]
		fields = fields[1+size+int(n):]
		switch {
		case tag == path[0] && len(path) > 1:
			add(tag, editFields(v, path[1:], value))
			done = true
		case tag == path[0]:
			add(tag, []byte(value))
			done = true
		default:
			add(tag, v)
		}
	}
	if !done {
		add(path[0], []byte(value))
	}
	return edited
}

// FuzzRestore: no input does harm, what is accepted is a session, and what is not changes none.
func FuzzRestore(f *testing.F) {
	state := goldenState(f)
	f.Add(state)
	f.Add(state[:40])
	f.Fuzz(func(t *testing.T, state []byte) {
		cfg := server(chap.MD5)
		cfg.LCP.AllowAuth, cfg.Credentials = []ppp.Method{chap.MD5}, client().Credentials
		cfg.LCP.CheckPath = true
		c := new(session.Compact)
		if err := c.Restore(&cfg, state, epoch); err != nil {
			if !errors.Is(err, session.ErrState) || !reflect.ValueOf(c).Elem().IsZero() {
				t.Fatalf("%v; the session is changed to %+v", err, c)
			}
			return
		}
		var out session.Output
		c.CheckPeer(epoch, &out)
		if _, ok := c.AppendState(nil, epoch); !ok {
			t.Error("what was restored has no state")
		}
		for range 5 {
			if d := c.Deadline(); !d.IsZero() {
				c.Advance(d, &out)
			}
		}
		c.Close(epoch, session.Reason{}, &out)
	})
}
