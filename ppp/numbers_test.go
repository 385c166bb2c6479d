package ppp

import (
	"strings"
	"testing"
	"time"
)

// TestNumbers: the codes of RFC 1661 section 5 and RFC 1570 section 2, and the protocol numbers of
// IANA's PPP registry.
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

// TestDefaults: RFC 1661 section 4.6; the least value of each field is not replaced.
func TestDefaults(t *testing.T) {
	want := NegotiationLimits{Restart: 3 * time.Second, MaxConfigure: 10, MaxTerminate: 2, MaxFailure: 5}
	for _, l := range []NegotiationLimits{{}, {Restart: -1, MaxConfigure: -1, MaxTerminate: -1, MaxFailure: -1}} {
		if got := l.WithDefaults(); got != want {
			t.Errorf("%+v becomes %+v, want %+v", l, got, want)
		}
	}
	least := NegotiationLimits{Restart: 1, MaxConfigure: 1, MaxTerminate: 1, MaxFailure: 1}
	if got := least.WithDefaults(); got != least {
		t.Errorf("%+v becomes %+v", least, got)
	}
	timers := AuthTimers{Restart: 3 * time.Second, MaxTransmit: 10, Timeout: time.Minute}
	if got := (AuthTimers{}).WithDefaults(time.Minute); got != timers {
		t.Errorf("authentication's timers are %+v, want %+v", got, timers)
	}
	forever := AuthTimers{Restart: 1, MaxTransmit: 1, Timeout: -1}
	if got := forever.WithDefaults(time.Minute); got != forever {
		t.Errorf("%+v becomes %+v", forever, got)
	}
}

// TestCodeRejectLength: the rejected packet is truncated to exactly the peer's MRU (RFC 1661 section
// 5.6).
func TestCodeRejectLength(t *testing.T) {
	for _, c := range []struct{ mru, in, want int }{
		{100, 95 - ControlHeaderLen, 95 + ControlHeaderLen}, // complete, and one octet less than the MRU
		{100, 96 - ControlHeaderLen, 100},
		{100, 97 - ControlHeaderLen, 100},
		{100, 1400, 100},
		{0, 1496 - ControlHeaderLen, 1500}, // not set: RFC 1661's default
		{0, 1497 - ControlHeaderLen, 1500},
		{3, 50, ControlHeaderLen},
	} {
		a, _ := opened(t, NegotiationLimits{})
		if c.mru > 0 {
			a.SetPeerMRU(c.mru)
		}
		q := &Queue{}
		receive(t, a, Control{99, 1, make([]byte, c.in)}, q)
		if got := ControlHeaderLen + len(sent(t, q)[0].Data); got != c.want {
			t.Errorf("for an MRU of %d the Code-Reject has %d octets, want %d", c.mru, got, c.want)
		}
	}
}

// TestCodesOfCodeReject: a Code-Reject of a code from 1 to 7 closes the automaton.
func TestCodesOfCodeReject(t *testing.T) {
	for code := range 20 {
		a, _ := opened(t, NegotiationLimits{})
		s := receive(t, a, Control{CodeReject, 1, []byte{byte(code)}}, &Queue{})
		if ends := code >= 1 && code <= 7; (s == LayerDown) != ends || (a.State() == Stopping) != ends {
			t.Errorf("a Code-Reject of code %d: signal %v, state %v; want an end: %v", code, s, a.State(), ends)
		}
	}
}

// TestNegotiationEnds: the negotiation with a peer that insists on a rejected option, or refuses all
// our options, ends after twice Max-Failure.
func TestNegotiationEnds(t *testing.T) {
	for _, most := range []int{1, 3} {
		a, q := NewAutomaton(newTestNegotiator(), &NegotiationLimits{MaxFailure: most}), &Queue{}
		a.Open(epoch, q)
		a.Up(epoch, q)
		rejects := 0
		for id := uint8(0); a.State() == ReqSent; id++ {
			receive(t, a, Control{ConfigureRequest, id, []byte{9, 3, 1}}, q)
			rejects++
		}
		if rejects != 2*most+2 || a.State() != Stopped {
			t.Errorf("Max-Failure %d: ended at request %d in state %v, want %d, Stopped", most, rejects, a.State(), 2*most+2)
		}
		a = NewAutomaton(newTestNegotiator(), &NegotiationLimits{MaxFailure: most})
		a.Open(epoch, q)
		a.Up(epoch, q)
		naks := 0
		for n := byte(0); a.State() == ReqSent; n++ {
			receive(t, a, Control{ConfigureNak, a.requestID, []byte{7, 3, n}}, q)
			naks++
		}
		if naks != 2*most+1 || a.State() != Stopped {
			t.Errorf("Max-Failure %d: ended at Nak %d in state %v, want %d, Stopped", most, naks, a.State(), 2*most+1)
		}
	}
}

// TestHighestOption: option 255 is valid, and checked for duplicates like any other.
func TestHighestOption(t *testing.T) {
	once, twice := Options{255, 2}, Options{255, 2, 255, 2}
	if once.HasDuplicates() || !twice.HasDuplicates() {
		t.Errorf("option 255 has duplicates: %v and %v, want false and true", once.HasDuplicates(), twice.HasDuplicates())
	}
	a, _ := opened(t, NegotiationLimits{})
	q := &Queue{}
	receive(t, a, Control{ConfigureRequest, 9, twice}, q)
	if got := sent(t, q); len(got) != 2 || got[1].Code != ConfigureAck && got[1].Code != ConfigureReject {
		t.Errorf("a request with option 255 is answered by %v", got)
	}
}
