package ppp

import (
	"strings"
	"testing"
	"time"
)

// TestNumbers: codes as RFC 1661 section 5 and RFC 1570 section 2 number them, and protocols
// as IANA's registry of PPP numbers has them.
func TestNumbers(t *testing.T) {
	for code, want := range map[Code]uint8{
		ConfigureRequest: 1, ConfigureAck: 2, ConfigureNak: 3, ConfigureReject: 4,
		TerminateRequest: 5, TerminateAck: 6, CodeReject: 7, ProtocolReject: 8,
		EchoRequest: 9, EchoReply: 10, DiscardRequest: 11, Identification: 12, TimeRemaining: 13,
	} {
		if uint8(code) != want {
			t.Errorf("code %d, want %d", code, want)
		}
	}
	for p, want := range map[Protocol]uint16{
		IPv4: 0x0021, IPv6: 0x0057, MP: 0x003d, IPCP: 0x8021, IPv6CP: 0x8057, ECP: 0x8053, CCP: 0x80fd,
		MPLSCP: 0x8281, LCP: 0xc021, PAP: 0xc023, LQR: 0xc025, CBCP: 0xc029, CHAP: 0xc223, EAP: 0xc227,
	} {
		if uint16(p) != want {
			t.Errorf("protocol %v is 0x%04x, want 0x%04x", p, uint16(p), want)
		}
	}
	for p, data := range map[Protocol]bool{1: true, IPv4: true, 0x3fff: true, 0x4000: false, 0x4001: false, IPCP: false, LCP: false} {
		if p.IsData() != data {
			t.Errorf("0x%04x carries network-layer packets: %v, want %v", uint16(p), p.IsData(), data)
		}
	}
	names := "Initial Starting Closed Stopped Closing Stopping Req-Sent Ack-Rcvd Ack-Sent Opened none none"
	for i, want := range strings.Fields(names) {
		if got := State(i).String(); got != want {
			t.Errorf("state %d is %s, want %s", i, got, want)
		}
	}
	if got := Protocol(0x8283).String(); got != "0x8283" {
		t.Errorf("a protocol without a name is %s", got)
	}
}

// TestDefaults: RFC 1661 section 4.6, and of each value the least that is not left out.
func TestDefaults(t *testing.T) {
	want := Limits{Restart: 3 * time.Second, MaxConfigure: 10, MaxTerminate: 2, MaxFailure: 5}
	for _, l := range []Limits{{}, {Restart: -1, MaxConfigure: -1, MaxTerminate: -1, MaxFailure: -1}} {
		if got := l.WithDefaults(); got != want {
			t.Errorf("%+v becomes %+v, want %+v", l, got, want)
		}
	}
	least := Limits{Restart: 1, MaxConfigure: 1, MaxTerminate: 1, MaxFailure: 1}
	if got := least.WithDefaults(); got != least {
		t.Errorf("%+v becomes %+v", least, got)
	}
	auth := AuthTimers{Restart: 3 * time.Second, MaxTransmit: 10, Timeout: time.Minute}
	if got := (AuthTimers{}).WithDefaults(time.Minute); got != auth {
		t.Errorf("authentication's timers are %+v, want %+v", got, auth)
	}
	forever := AuthTimers{Restart: 1, MaxTransmit: 1, Timeout: -1}
	if got := forever.WithDefaults(time.Minute); got != forever {
		t.Errorf("%+v becomes %+v", forever, got)
	}
}

// TestCodeRejectLength: RFC 1661 section 5.6 has the rejected packet cut to the peer's MRU: not
// one octet more, nor fewer.
func TestCodeRejectLength(t *testing.T) {
	for _, c := range []struct{ mru, in, want int }{
		{100, 95 - ControlHeaderLen, 95 + ControlHeaderLen}, // whole, and one octet to spare
		{100, 96 - ControlHeaderLen, 100},
		{100, 97 - ControlHeaderLen, 100},
		{100, 1400, 100},
		{0, 1496 - ControlHeaderLen, 1500}, // not told: RFC 1661's default
		{0, 1497 - ControlHeaderLen, 1500},
		{3, 50, ControlHeaderLen},
	} {
		m, _ := opened(t, Limits{})
		if c.mru > 0 {
			m.SetPeerMRU(c.mru)
		}
		q := &Queue{}
		receive(t, m, Control{99, 1, make([]byte, c.in)}, q)
		if got := ControlHeaderLen + len(sent(t, q)[0].Data); got != c.want {
			t.Errorf("to a peer with an MRU of %d goes a Code-Reject of %d octets, want %d", c.mru, got, c.want)
		}
	}
}

// TestCodesOfCodeReject: only what the automaton cannot do without ends it: codes 1 to 7.
func TestCodesOfCodeReject(t *testing.T) {
	for code := range 20 {
		m, _ := opened(t, Limits{})
		s := receive(t, m, Control{CodeReject, 1, []byte{byte(code)}}, &Queue{})
		if ends := code >= 1 && code <= 7; (s == LayerDown) != ends || (m.State() == Stopping) != ends {
			t.Errorf("a Code-Reject of code %d: signal %v, state %v; want an end: %v", code, s, m.State(), ends)
		}
	}
}

// TestHangUpOnInsistence: a peer that insists on what we reject, or refuses whatever we ask
// for, is given up after twice Max-Failure.
func TestHangUpOnInsistence(t *testing.T) {
	for _, most := range []int{1, 3} {
		m, q := NewAutomaton(newNumbers(), Limits{MaxFailure: most}), &Queue{}
		m.Open(epoch, q)
		m.Up(epoch, q)
		rejects := 0
		for id := uint8(0); m.State() == ReqSent; id++ {
			receive(t, m, Control{ConfigureRequest, id, []byte{9, 3, 1}}, q)
			rejects++
		}
		if rejects != 2*most+2 || m.State() != Stopped {
			t.Errorf("Max-Failure %d: given up at request %d in state %v, want %d, Stopped", most, rejects, m.State(), 2*most+2)
		}
		m = NewAutomaton(newNumbers(), Limits{MaxFailure: most})
		m.Open(epoch, q)
		m.Up(epoch, q)
		naks := 0
		for n := byte(0); m.State() == ReqSent; n++ {
			receive(t, m, Control{ConfigureNak, m.requestID, []byte{7, 3, n}}, q)
			naks++
		}
		if naks != 2*most+1 || m.State() != Stopped {
			t.Errorf("Max-Failure %d: given up at Nak %d in state %v, want %d, Stopped", most, naks, m.State(), 2*most+1)
		}
	}
}

// TestHighestOption: there is an option 255, and it is counted like any other.
func TestHighestOption(t *testing.T) {
	once, twice := Options{255, 2}, Options{255, 2, 255, 2}
	if once.HasDuplicates() || !twice.HasDuplicates() {
		t.Errorf("option 255 repeats: %v and %v, want false and true", once.HasDuplicates(), twice.HasDuplicates())
	}
	m, _ := opened(t, Limits{})
	q := &Queue{}
	receive(t, m, Control{ConfigureRequest, 9, twice}, q)
	if got := sent(t, q); len(got) != 2 || got[1].Code != ConfigureAck && got[1].Code != ConfigureReject {
		t.Errorf("a request with option 255 is answered by %v", got)
	}
}
