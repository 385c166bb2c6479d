package explain_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"upppoe/internal/capture/explain"
	"upppoe/internal/capture/reader"
	"upppoe/ppp"
	"upppoe/ppp/pap"
	"upppoe/pppoe/wire"
)

// textOf is a report as text, with all packets.
func textOf(t testing.TB, r *explain.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteText(&b, explain.TextOptions{Packets: true}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// contains checks that a report's text has each of the wanted texts.
func contains(t *testing.T, r *explain.Report, wanted ...string) {
	t.Helper()
	text := textOf(t, r)
	for _, want := range wanted {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

func TestWithoutPPPoE(t *testing.T) {
	s := newScenario()
	contains(t, explained(t, "none", s.pcap(t), explain.Options{}), "Note: The capture has no packets.")
	s.add(append(append(make([]byte, 12), 0x08, 0), make([]byte, 46)...))
	contains(t, explained(t, "none", s.pcap(t), explain.Options{}), "no PPPoE packets (ethertypes 0x8863 and 0x8864), but 1 of IPv4: capture on the Ethernet interface")
}

func TestCutCapture(t *testing.T) {
	s := newScenario()
	s.up()
	file := s.pcap(t)
	r := explained(t, "cut", file[:len(file)-1], explain.Options{})
	contains(t, r, "Note: The file is cut after packet 17. What was captured before is explained.", "Established after 0.015 s")
}

// TestOutOfOrder: packets are explained in the order of their times.
func TestOutOfOrder(t *testing.T) {
	s := newScenario()
	s.up()
	want := explained(t, "order", s.pcap(t), explain.Options{})
	for i := 0; i+1 < len(s.frames); i += 2 {
		s.frames[i], s.frames[i+1] = s.frames[i+1], s.frames[i]
	}
	got := explained(t, "order", s.pcap(t), explain.Options{})
	contains(t, got, "9 packets are out of order in the file")
	what := func(r *explain.Report) (all []string) {
		for _, e := range r.Sessions[0].Events {
			all = append(all, e.From+" "+e.Protocol+" "+e.What)
		}
		return all
	}
	if !slices.Equal(what(got), what(want)) {
		t.Errorf("got %q, want %q", what(got), what(want))
	}
}

// TestClockSet: a clock that was set back does not mix up the order.
func TestClockSet(t *testing.T) {
	s := newScenario()
	s.discover()
	s.wait(-2 * time.Second)
	s.link(pap.Method)
	s.wait(1990 * time.Millisecond) // times from before come again
	s.login(pap.AuthenticateAck, "")
	s.ipv4()
	if r := explained(t, "clock", s.pcap(t), explain.Options{}); r.Sessions[0].Outcome != explain.Established {
		t.Errorf("outcome %s:\n%s", r.Sessions[0].Outcome, textOf(t, r))
	}
}

// TestOneDirection: what is not captured is not taken for missing.
func TestOneDirection(t *testing.T) {
	for _, from := range []bool{byHost, byAC} {
		s := newScenario()
		s.up()
		s.later(time.Minute)
		src, _ := s.ends(from)
		s.frames = slices.DeleteFunc(s.frames, func(f captured) bool { return wire.Addr(f.frame[6:]) != src })
		r := explained(t, "one", s.pcap(t), explain.Options{})
		if len(r.Sessions) == 0 || r.Failed() {
			t.Errorf("from the host %v: a problem was found:\n%s", from, textOf(t, r))
		}
		if from == byHost {
			contains(t, r, "Only what", "is in the capture")
		}
	}
}

// TestMidSession: roles are found by what both ends send.
func TestMidSession(t *testing.T) {
	s := newScenario()
	s.link(pap.Method)
	s.login(pap.AuthenticateAck, "")
	s.ipv4()
	r := explained(t, "mid", s.pcap(t), explain.Options{})
	contains(t, r, "The capture begins within this session", "host   02:00:5e:00:53:02, user \"alice\"", "IPv4             host 192.0.2.10, AC 192.0.2.1")

	s = newScenario()
	for range 3 {
		s.data(byAC, 84)
		s.data(byHost, 84)
	}
	r = explained(t, "mid", s.pcap(t), explain.Options{})
	contains(t, r, "peer A 02:00:5e:00:53:01", "3 packets of data from peer A; 3 packets of data from peer B")
}

func TestRetransmission(t *testing.T) {
	s := newScenario()
	s.discover()
	for range 2 {
		s.send(byHost, ppp.LCP, request, 1, mru(1492))
		s.wait(3 * time.Second)
	}
	s.link(nil)
	s.ipv4()
	contains(t, explained(t, "again", s.pcap(t), explain.Options{}), "MRU 1492 (again)", "Established")
}

// TestTruncated: frames that the snapshot length cut are not malformed.
func TestTruncated(t *testing.T) {
	s := newScenario()
	s.up()
	var file bytes.Buffer
	w := pcapgo.NewWriter(&file)
	if err := w.WriteFileHeader(24, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	for _, f := range s.frames {
		n := min(len(f.frame), 24)
		if err := w.WritePacket(gopacket.CaptureInfo{Timestamp: f.at, CaptureLength: n, Length: len(f.frame)}, f.frame[:n]); err != nil {
			t.Fatal(err)
		}
	}
	r := explained(t, "cut", file.Bytes(), explain.Options{})
	contains(t, r, "were cut by the capture's snapshot length: capture whole packets, with tcpdump -s 0", "1 packet of data from peer A")
	if r.Failed() {
		t.Errorf("a problem was found:\n%s", textOf(t, r))
	}
}

// TestPasswords: passwords are hidden, unless they are wanted.
func TestPasswords(t *testing.T) {
	s := newScenario()
	s.up()
	s.send(byHost, ppp.EAP, 2, 1, "\x06secret")
	s.frame(byHost, []byte("\xc0\x23secret"))
	s.send(byAC, ppp.LCP, ppp.ProtocolReject, 5, "\xc0\x23\x01\x01\x00\x12\x05alice\x06secret")
	report := func(o explain.Options) string {
		r := explained(t, "password", s.pcap(t), o)
		document, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return textOf(t, r) + string(document)
	}
	if text := report(explain.Options{}); strings.Contains(text, "secret") || strings.Contains(text, "73 65 63") {
		t.Errorf("a password is shown:\n%s", text)
	}
	if text := report(explain.Options{ShowPasswords: true}); !strings.Contains(text, `password "secret"`) {
		t.Errorf("the password is not shown:\n%s", text)
	}
}

// TestComments: comments of a pcapng file are shown with their packets, escaped.
func TestComments(t *testing.T) {
	s := newScenario()
	s.up()
	var file bytes.Buffer
	w, err := pcapgo.NewNgWriter(&file, layers.LinkTypeEthernet)
	if err != nil {
		t.Fatal(err)
	}
	write := func(frame []byte, comments ...string) {
		info := gopacket.CaptureInfo{Timestamp: s.now, CaptureLength: len(frame), Length: len(frame)}
		if err := w.WritePacketWithOptions(info, frame, pcapgo.NgPacketOptions{Comments: comments}); err != nil {
			t.Fatal(err)
		}
	}
	write(nil, "begins")
	for i, f := range s.frames {
		write(f.frame, []string{"first\x1b[31m", "", "data"}[min(i%17, 1)+i/17])
	}
	write(nil, "ends")
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	r := explained(t, "comments", file.Bytes(), explain.Options{})
	contains(t, r, "Note: Comment: begins", `# first\033[31m`, "data packet: 84 octets", "# ends")
}

// TestBounds: sessions that ended well make room, others do not, and all of them are counted.
func TestBounds(t *testing.T) {
	s := newScenario()
	session := func(end bool) {
		s.host[4]++
		s.up()
		if end {
			s.padt(byHost)
		}
	}
	for range 2 {
		session(true)
	}
	session(false)
	s.send(byHost, ppp.LCP, ppp.TerminateRequest, 2)
	s.send(byAC, ppp.LCP, ppp.TerminateAck, 2)
	for range 3 {
		session(false)
	}
	r := explained(t, "bounds", s.pcap(t), explain.Options{MaxSessions: 2})
	if len(r.Sessions) != 2 || r.OmittedSessions != 3 || r.UnexplainedPackets != 18 {
		t.Errorf("%d sessions, %d omitted, %d packets not explained", len(r.Sessions), r.OmittedSessions, r.UnexplainedPackets)
	}
	contains(t, r, "3 sessions without a problem are not shown", "18 packets belong to sessions beyond the 2 that are kept: --max-sessions keeps more")
}

// TestProbesMakeRoom: questions for concentrators do not fill the table.
func TestProbesMakeRoom(t *testing.T) {
	s := newScenario()
	for range 5 {
		s.host[4]++
		s.padi()
		s.pado()
		s.wait(time.Minute)
	}
	if r := explained(t, "probes", s.pcap(t), explain.Options{MaxSessions: 2}); len(r.Sessions) != 2 || r.OmittedSessions != 3 {
		t.Errorf("%d sessions, %d omitted", len(r.Sessions), r.OmittedSessions)
	}
}

// TestManyEvents: the first and the last events of a session are kept.
func TestManyEvents(t *testing.T) {
	s := newScenario()
	s.up()
	for i := range 1000 {
		s.send(byHost, ppp.LCP, ppp.DiscardRequest, byte(i), "x", []byte{byte(i >> 8)})
	}
	r := explained(t, "many", s.pcap(t), explain.Options{})
	if n := len(r.Sessions[0].Events); n != 200 || r.Sessions[0].OmittedEvents != 817 {
		t.Errorf("%d events, %d omitted", n, r.Sessions[0].OmittedEvents)
	}
	contains(t, r, "... 817 events are left out")
}

func FuzzExplain(f *testing.F) {
	for _, c := range failures {
		s := newScenario()
		c.make(s)
		f.Add(s.pcap(f), c.name == "pap-nak")
	}
	f.Fuzz(func(t *testing.T, file []byte, passwords bool) {
		r, err := reader.Open(bytes.NewReader(file))
		if err != nil {
			return
		}
		report := explain.New(explain.Options{MaxSessions: 4, ShowPasswords: passwords}).Read(r, nil)
		for _, c := range textOf(t, report) {
			if c < ' ' && c != '\n' || c >= 0x7f && c < 0xa0 {
				t.Fatalf("the text has the character %q", c)
			}
		}
		if _, err := json.Marshal(report); err != nil {
			t.Fatal(err)
		}
	})
}
