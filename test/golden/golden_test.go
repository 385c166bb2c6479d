// Package golden_test compares our packages with captures of the real pppd and rp-pppoe: every
// frame parses, encodes to the same octets, and prints as pppd printed it.
package golden_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gopacket/gopacket/pcapgo"

	"upppoe/ppp"
	"upppoe/ppp/trace"
	"upppoe/pppoe/wire"
)

var client = wire.Addr{2, 0, 0x5e, 0, 0x53, 2}

// frame is a captured frame without its VLAN tags.
type frame struct {
	dst, src  wire.Addr
	etherType uint16
	payload   []byte
}

// frames returns the frames of a capture.
func frames(t *testing.T, path string) (all []frame) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := pcapgo.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for {
		b, _, err := r.ReadPacketData()
		if err != nil {
			return all
		}
		f := frame{dst: wire.Addr(b[:6]), src: wire.Addr(b[6:12])}
		b = b[12:]
		for t := binary.BigEndian.Uint16(b); t == 0x8100 || t == 0x88a8; t = binary.BigEndian.Uint16(b) {
			b = b[4:]
		}
		f.etherType, f.payload = binary.BigEndian.Uint16(b), b[2:]
		all = append(all, f)
	}
}

// TestCaptures reproduces the packet lines of pppd's log from the frames.
func TestCaptures(t *testing.T) {
	captures, err := filepath.Glob("testdata/*.pcap")
	if err != nil || len(captures) != 11 {
		t.Fatalf("found %d captures (%v), want 11", len(captures), err)
	}
	for _, path := range captures {
		name := strings.TrimSuffix(filepath.Base(path), ".pcap")
		t.Run(name, func(t *testing.T) {
			var printed []string
			for _, f := range frames(t, path) {
				switch f.etherType {
				case wire.EtherTypeDiscovery:
					printed = append(printed, discovery(t, f)...)
				case wire.EtherTypeSession:
					printed = append(printed, session(t, f)...)
				}
			}
			log, err := os.ReadFile(filepath.Join("testdata", name+".log"))
			if err != nil {
				t.Fatal(err)
			}
			// On the wire the two directions interleave differently from pppd's log, which
			// reads one packet while the next has already arrived.
			gotSent, gotRcvd := directions(dial(printed))
			wantSent, wantRcvd := directions(packetLines(string(log)))
			compare(t, gotSent, wantSent)
			compare(t, gotRcvd, wantRcvd)
		})
	}
}

// discovery checks a discovery frame and prints it.
func discovery(t *testing.T, f frame) []string {
	d, err := wire.ParseDiscovery(f.payload)
	if err != nil {
		t.Errorf("% x: %v", f.payload, err)
		return nil
	}
	again := d.AppendTo(nil)
	if !bytes.Equal(again, f.payload[:len(again)]) || len(bytes.Trim(f.payload[len(again):], "\x00")) > 0 {
		t.Errorf("encodes to % x, was % x", again, f.payload)
	}
	for n := range len(again) {
		if _, err := wire.ParseDiscovery(again[:n]); err == nil {
			t.Errorf("the first %d octets of % x parse, though LENGTH says more", n, again)
		}
	}
	prefix := "Recv "
	if f.src == client {
		prefix = "Send "
	}
	text := wire.DiscoveryFrame{Dst: f.dst, Src: f.src, Discovery: d}.AppendText([]byte(prefix))
	return strings.Split(string(text), "\n")
}

// session checks a session frame and prints it, if it is a control packet.
func session(t *testing.T, f frame) []string {
	id, packet, err := wire.ParseSession(f.payload)
	if err != nil {
		t.Errorf("% x: %v", f.payload, err)
		return nil
	}
	whole := wire.AppendSessionFrame(nil, f.dst, f.src, id, packet)
	if again := whole[14:]; !bytes.Equal(again, f.payload[:len(again)]) {
		t.Errorf("encodes to % x, was % x", again, f.payload)
	}
	p, information, err := ppp.ParseFrame(packet)
	if err != nil {
		t.Errorf("% x: %v", packet, err)
		return nil
	}
	if p.IsData() {
		return nil
	}
	control(t, p, information)
	prefix := "rcvd "
	if f.src == client {
		prefix = "sent "
	}
	return []string{string(trace.AppendFrame([]byte(prefix), packet, trace.Options{}))}
}

// control checks a control packet: it encodes to the same octets, and no proper prefix parses.
func control(t *testing.T, p ppp.Protocol, information []byte) {
	c, err := ppp.ParseControl(information)
	if err != nil {
		t.Errorf("%v % x: %v", p, information, err)
		return
	}
	if again := c.AppendTo(nil); !bytes.Equal(again, information) {
		t.Errorf("%v encodes to % x, was % x", p, again, information)
	}
	for n := range len(information) {
		if _, err := ppp.ParseControl(information[:n]); err == nil {
			t.Errorf("%v: the first %d octets of % x parse, though Length says more", p, n, information)
		}
	}
	if p != ppp.LCP && p != ppp.IPCP && p != ppp.IPv6CP && p != ppp.CCP || c.Code > ppp.ConfigureReject {
		return
	}
	options, err := ppp.ParseOptions(c.Data)
	if err != nil {
		t.Errorf("%v % x: %v", p, c.Data, err)
	}
	var again []byte
	for o := range options.All() {
		again = o.AppendTo(again)
	}
	if !bytes.Equal(again, c.Data) {
		t.Errorf("%v's options encode to % x, were % x", p, again, c.Data)
	}
}

// dial removes the packets that are not in the log: pppoe-discovery's exchange before pppd's, and
// the PADTs that pppd's plugin and the server send after the end of the log.
func dial(printed []string) []string {
	for i := len(printed) - 1; i >= 0; i-- {
		if strings.Contains(printed[i], "PADI") {
			printed = printed[i:]
			break
		}
	}
	for i, line := range printed {
		if strings.Contains(line, "PADT") {
			return slices.Delete(printed, i, i+3)
		}
	}
	return printed
}

// packetLines returns the lines of a log that print packets.
func packetLines(log string) (lines []string) {
	for line := range strings.Lines(log) {
		line = strings.TrimRight(line, "\n")
		for _, start := range []string{"Send PPPOE", "Recv PPPOE", " dst ", " [", "sent [", "rcvd ["} {
			if strings.HasPrefix(line, start) {
				lines = append(lines, line)
				break
			}
		}
	}
	return lines
}

// directions splits lines by direction.
func directions(lines []string) (sent, rcvd []string) {
	to := &sent
	for _, line := range lines {
		switch {
		case strings.HasPrefix(line, "Send "), strings.HasPrefix(line, "sent "):
			to = &sent
		case strings.HasPrefix(line, "Recv "), strings.HasPrefix(line, "rcvd "):
			to = &rcvd
		}
		*to = append(*to, line)
	}
	return sent, rcvd
}

func compare(t *testing.T, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		g, w := "(nothing)", "(nothing)"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Errorf("packet line %d prints as\n%s\npppd printed\n%s", i+1, g, w)
		}
	}
}
