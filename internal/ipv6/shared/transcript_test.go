package shared

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"upppoe/internal/ipv6/assign"
	"upppoe/internal/ipv6/packet6"
)

var update = flag.Bool("update", false, "write the transcripts")

// transcript is a session with its packets in hexadecimal. Lines that begin with > are packets from
// the peer, with + time that passes, with # comments; these are input. The others are output: < are
// packets to the peer, and how often one is sent, = is what is reported to be assigned, ! the reason for dropping a packet.
type transcript struct {
	*bench
	out    strings.Builder
	before assign.State
}

func (b *transcript) record(err error) {
	if err != nil {
		fmt.Fprintln(&b.out, "!", err)
	}
	if state := b.states[1]; state != b.before {
		fmt.Fprintf(&b.out, "= network %v, address %v, delegated %v\n", state.Network, state.Address, state.Delegated)
		b.before = state
	}
	all := b.take()
	for i, n := 0, 1; i < len(all); i, n = i+n, 1 {
		parseSent(b.t, all[i].packet)
		for i+n < len(all) && bytes.Equal(all[i].packet, all[i+n].packet) {
			n++
		}
		fmt.Fprintf(&b.out, "< %x%s\n", all[i].packet, map[bool]string{true: fmt.Sprintf(" %d times", n)}[n > 1])
	}
}

func (b *transcript) play(line string) {
	b.t.Helper()
	fmt.Fprintln(&b.out, line)
	switch what, value, _ := strings.Cut(line, " "); what {
	case ">":
		packet, err := hex.DecodeString(value)
		if err != nil {
			b.t.Fatal(err)
		}
		b.record(b.receive(packet))
	case "+":
		d, err := time.ParseDuration(value)
		if err != nil {
			b.t.Fatal(err)
		}
		b.advance(d)
		b.record(nil)
	}
}

// TestTranscripts: every octet of what is sent.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d transcripts, %v", len(files), err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			b := &transcript{bench: newBench(t, pools(t))}
			l := link()
			b.r.up(b.now, 1, &l)
			for line := range strings.Lines(string(want)) {
				if line = strings.TrimSpace(line); line != "" && strings.Contains("#>+", line[:1]) {
					b.play(line)
				}
			}
			if *update {
				os.WriteFile(name, []byte(b.out.String()), 0o644)
			} else if got := b.out.String(); got != string(want) {
				t.Errorf("the transcript is\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// packetsOf returns the packets of all transcripts.
func packetsOf(t testing.TB, direction string) (all [][]byte) {
	t.Helper()
	files, _ := filepath.Glob("testdata/*.txt")
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(strings.TrimSpace(line), direction+" "); ok {
				b, err := hex.DecodeString(value)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, b)
			}
		}
	}
	return all
}

// TestPrefixesOfPackets: every proper prefix of a packet that is answered is dropped, and so is
// every packet with one bit changed in what the checksum covers.
func TestPrefixesOfPackets(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	tried := 0
	for _, p := range packetsOf(t, ">") {
		b := newBench(t, pools(t))
		b.up(link())
		if b.receive(p) != nil {
			continue
		}
		tried++
		p = p[:packet6.HeaderLen+int(binary.BigEndian.Uint16(p[4:]))] // without padding
		for n := range len(p) {
			if b.receive(p[:n]) == nil {
				t.Errorf("% x is accepted", p[:n])
			}
		}
		for i := 8; i < len(p); i++ {
			spoiled := bytes.Clone(p)
			spoiled[i] ^= 1 << random.IntN(8)
			if b.receive(spoiled) == nil {
				t.Errorf("% x is accepted, octet %d is wrong", spoiled, i)
			}
		}
	}
	if tried < 8 {
		t.Errorf("only %d packets are accepted", tried)
	}
}

// FuzzReceive: any packet has at most a few answers, all well-formed, and only prefixes of the
// pools are assigned.
func FuzzReceive(f *testing.F) {
	for _, p := range packetsOf(f, ">") {
		f.Add(p, false)
		f.Add(p, true)
	}
	f.Fuzz(func(t *testing.T, p []byte, mend bool) {
		b := newBench(t, pools(t))
		b.up(link())
		if mend {
			p = withChecksum(p)
		}
		for range 3 {
			err := b.receive(bytes.Clone(p))
			b.advance(600 * time.Millisecond)
			all := b.take()
			if len(all) > 2 || err != nil && len(all) > 0 {
				t.Fatalf("%d answers, %v", len(all), err)
			}
			for _, s := range all {
				parseSent(t, s.packet)
			}
		}
		for _, p := range b.states[1].Prefixes() {
			if c := b.r.cfg; !c.Networks.Has(p) && !c.Addresses.Has(p) && !c.Prefixes.Has(p) {
				t.Errorf("%v is assigned", p)
			}
		}
		b.r.down(1)
		if b.used() > 0 {
			t.Errorf("%d prefixes remain allocated", b.used())
		}
	})
}

// withChecksum mends lengths and checksum, so that the fuzzer gets beyond them.
func withChecksum(b []byte) []byte {
	if len(b) < packet6.HeaderLen+packet6.UDPLen {
		return b
	}
	b = bytes.Clone(b)
	b[0] = 6 << 4
	n := len(b) - packet6.HeaderLen
	b[4], b[5] = byte(n>>8), byte(n)
	if b[6] == packet6.UDP {
		b[44], b[45] = b[4], b[5]
	}
	p, err := packet6.Parse(b)
	if err != nil {
		return b
	}
	at := packet6.ChecksumAt(p.NextHeader)
	p.Payload[at], p.Payload[at+1] = 0, 0
	return p.AppendTo(nil)
}
