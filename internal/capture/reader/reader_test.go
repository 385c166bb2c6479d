package reader

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// ether is a PADI, cooked the same in both versions of cooked captures.
var (
	payload = []byte{0x11, 0x09, 0, 0, 0, 4, 1, 1, 0, 0}
	ether   = append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0x5e, 0, 0x53, 2, 0x88, 0x63}, payload...)
	sll     = append([]byte{0, 4, 0, 1, 0, 6, 2, 0, 0x5e, 0, 0x53, 2, 0, 0, 0x88, 0x63}, payload...)
	sll2    = append([]byte{0x88, 0x63, 0, 0, 0, 0, 0, 9, 0, 1, 4, 6, 2, 0, 0x5e, 0, 0x53, 2, 0, 0}, payload...)
	at      = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)
)

// pcap returns a file with a frame in a byte order; nanoseconds has its own magic number.
func pcap(order binary.ByteOrder, nanoseconds bool, link uint32, frames ...[]byte) []byte {
	head, fraction := uint32(0xa1b2c3d4), uint32(at.Nanosecond()/1000)
	if nanoseconds {
		head, fraction = 0xa1b23c4d, uint32(at.Nanosecond())
	}
	b := make([]byte, 24)
	order.PutUint32(b, head)
	order.PutUint16(b[4:], 2)
	order.PutUint16(b[6:], 4)
	order.PutUint32(b[16:], 1<<16)
	order.PutUint32(b[20:], link)
	for _, f := range frames {
		record := make([]byte, 16)
		order.PutUint32(record, uint32(at.Unix()))
		order.PutUint32(record[4:], fraction)
		order.PutUint32(record[8:], uint32(len(f)))
		order.PutUint32(record[12:], uint32(len(f)))
		b = append(append(b, record...), f...)
	}
	return b
}

// pcapng returns a file with frames of the link layers.
func pcapng(t testing.TB, comments []string, frames map[layers.LinkType][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w *pcapgo.NgWriter
	for link, frame := range frames {
		id, err := 0, error(nil)
		if w == nil {
			w, err = pcapgo.NewNgWriter(&b, link)
		} else {
			id, err = w.AddInterface(pcapgo.NgInterface{LinkType: link, TimestampResolution: 9})
		}
		if err != nil {
			t.Fatal(err)
		}
		info := gopacket.CaptureInfo{Timestamp: at, CaptureLength: len(frame), Length: len(frame), InterfaceIndex: id}
		if err := w.WritePacketWithOptions(info, frame, pcapgo.NgPacketOptions{Comments: comments}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func packed(b []byte) []byte {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	w.Write(b)
	w.Close()
	return packed.Bytes()
}

// TestFormats reads the same packet from each format.
func TestFormats(t *testing.T) {
	little, big := binary.LittleEndian, binary.BigEndian
	for name, c := range map[string]struct {
		file   []byte
		format string
		cooked bool
	}{
		"pcap":                   {pcap(little, false, 1, ether), "pcap", false},
		"pcap big-endian":        {pcap(big, false, 1, ether), "pcap", false},
		"pcap ns":                {pcap(little, true, 1, ether), "pcap", false},
		"pcap ns big-endian":     {pcap(big, true, 1, ether), "pcap", false},
		"pcap gzip":              {packed(pcap(little, false, 1, ether)), "pcap, gzip", false},
		"pcap cooked":            {pcap(little, false, 113, sll), "pcap", true},
		"pcap cooked v2":         {pcap(little, false, 276, sll2), "pcap", true},
		"pcap with FCS length":   {pcap(little, false, 1|0x24000000, ether), "pcap", false},
		"pcapng":                 {pcapng(t, nil, map[layers.LinkType][]byte{1: ether}), "pcapng", false},
		"pcapng gzip":            {packed(pcapng(t, nil, map[layers.LinkType][]byte{1: ether})), "pcapng, gzip", false},
		"pcapng cooked v2":       {pcapng(t, nil, map[layers.LinkType][]byte{276: sll2}), "pcapng", true},
		"pcapng with a comment!": {pcapng(t, []string{"a", "b"}, map[layers.LinkType][]byte{1: ether}), "pcapng", false},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Open(bytes.NewReader(c.file))
			if err != nil {
				t.Fatal(err)
			}
			p, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			if r.Format() != c.format || p.Number != 1 || !p.Time.Equal(at) || p.Truncated() {
				t.Errorf("%s: packet %d at %v", r.Format(), p.Number, p.Time)
			}
			if got := strings.Join(p.Comments, " "); got != map[bool]string{true: "a b"}[strings.HasSuffix(name, "!")] {
				t.Errorf("comments %q", got)
			}
			frame, cooked, ok := p.Ethernet()
			want := bytes.Clone(ether)
			if c.cooked {
				clear(want[:6])
			}
			if !ok || cooked != c.cooked || !bytes.Equal(frame, want) {
				t.Errorf("frame % x, want % x", frame, want)
			}
			if _, err := r.Next(); err != io.EOF {
				t.Errorf("after the last packet: %v", err)
			}
		})
	}
}

// TestMixedLinks: packets of a link layer that carries no PPPoE do not keep others from being read.
func TestMixedLinks(t *testing.T) {
	r, err := Open(bytes.NewReader(pcapng(t, nil, map[layers.LinkType][]byte{1: ether, 12: {0x45}})))
	if err != nil {
		t.Fatal(err)
	}
	supported := 0
	for range 2 {
		p, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if _, _, ok := p.Ethernet(); ok != p.Link.Supported() {
			t.Errorf("%v: ok %v", p.Link, ok)
		}
		if p.Link.Supported() {
			supported++
		}
	}
	if supported != 1 {
		t.Errorf("%d packets of Ethernet", supported)
	}
}

// TestErrors: each error says what the file is.
func TestErrors(t *testing.T) {
	good := pcap(binary.LittleEndian, false, 1, ether, ether)
	ng := pcapng(t, nil, map[layers.LinkType][]byte{1: ether})
	huge := bytes.Clone(good)
	binary.LittleEndian.PutUint32(huge[24+8:], 0xfffffff0)
	hugeNg := bytes.Clone(ng)
	block := bytes.Index(hugeNg, []byte{6, 0, 0, 0})
	binary.LittleEndian.PutUint32(hugeNg[block+20:], 0xfffffff0)
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"empty":          {nil, "the file is empty"},
		"empty gzip":     {packed(nil), "the file is empty"},
		"text":           {[]byte("hello, world"), "not a pcap or pcapng file: it begins with the octets 68 65 6c 6c"},
		"short":          {[]byte("h"), "not a pcap or pcapng file"},
		"xz":             {[]byte("\xfd7zXZ\x00\x00\x00"), "xz -d"},
		"broken gzip":    {append(packed(good)[:20], 0xff, 0xff, 0xff), "damaged"},
		"raw IP":         {pcap(binary.LittleEndian, false, 101, ether), "raw IP (link type 101), which has no PPPoE frames: capture on the Ethernet interface"},
		"802.11":         {pcap(binary.LittleEndian, false, 127, ether), "IEEE 802.11 with radiotap"},
		"unknown link":   {pcap(binary.LittleEndian, false, 299, ether), "link type 299"},
		"cut header":     {good[:20], "cut before the first packet"},
		"cut record":     {good[:30], "cut before the first packet"},
		"cut packet":     {good[:len(good)-1], "cut after packet 1"},
		"cut gzip":       {packed(good)[:len(packed(good))-12], "cut"},
		"huge length":    {huge, "damaged before the first packet"},
		"cut pcapng":     {ng[:len(ng)-8], "cut before the first packet"},
		"huge in pcapng": {hugeNg, "cut before the first packet"},
		"bad version":    {append([]byte{0xd4, 0xc3, 0xb2, 0xa1, 9}, good[5:]...), "major version 9"},
	} {
		if err := readAll(c.file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

// readAll reads all packets; at the end of the file it returns nil.
func readAll(file []byte) error {
	r, err := Open(bytes.NewReader(file))
	if err != nil {
		return err
	}
	for {
		p, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		p.Ethernet()
	}
}

// endless is a pcapng file that goes on with blocks that package pcapgo keeps.
type endless struct{ head, block, rest []byte }

func (e *endless) Read(b []byte) (int, error) {
	if len(e.rest) == 0 {
		e.rest = e.block
	}
	from := &e.rest
	if len(e.head) > 0 {
		from = &e.head
	}
	n := copy(b, *from)
	*from = (*from)[n:]
	return n, nil
}

// TestBoundedMemory: a file of tables without an end does not fill the memory.
func TestBoundedMemory(t *testing.T) {
	interfaces := []byte{1, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 20, 0, 0, 0}
	secrets := append([]byte{10, 0, 0, 0, 20, 4, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0}, append(make([]byte, 1024), 20, 4, 0, 0)...)
	head := pcapng(t, nil, map[layers.LinkType][]byte{1: ether})
	for name, block := range map[string][]byte{"interfaces": interfaces, "secrets": secrets} {
		r, err := Open(&endless{head: head, block: block})
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = r.Next()
		}
		if !errors.Is(err, ErrBetween) && !errors.Is(err, ErrTables) {
			t.Errorf("%s: %v", name, err)
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if m.HeapInuse > 1<<29 {
			t.Errorf("%s: %d MiB are in use", name, m.HeapInuse>>20)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(pcap(binary.LittleEndian, false, 1, ether, ether))
	f.Add(pcap(binary.BigEndian, true, 276, sll2))
	f.Add(pcap(binary.BigEndian, true, 113, sll))
	f.Add(pcapng(f, []string{"comment"}, map[layers.LinkType][]byte{1: ether, 113: sll}))
	f.Add(packed(pcap(binary.LittleEndian, false, 1, ether)))
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := Open(bytes.NewReader(file))
		if err != nil {
			return
		}
		for range len(file) + 1 {
			p, err := r.Next()
			if err != nil {
				return
			}
			if frame, _, ok := p.Ethernet(); ok && len(frame) < etherHeader {
				t.Fatalf("a frame of %d octets", len(frame))
			}
		}
	})
}
