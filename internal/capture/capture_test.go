package capture

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopacket/gopacket/pcapgo"
	"golang.org/x/sys/unix"

	"upppoe/internal/capture/pcapngwriter"
	"upppoe/ppp"
	"upppoe/ppp/pap"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

var (
	client = wire.Addr{2, 0, 0x5e, 0, 0x53, 1}
	ac     = wire.Addr{2, 0, 0x5e, 0, 0x53, 2}
)

// packet is a packet of a capture.
type packet struct {
	data     []byte
	comments []string
	sent     bool
	dropped  uint64
}

func readFile(t *testing.T, path string) (all []packet) {
	t.Helper()
	text, err := os.ReadFile(path)
	check(t, err)
	r, err := pcapgo.NewNgReader(bytes.NewReader(text), pcapgo.DefaultNgReaderOptions)
	check(t, err)
	for {
		data, _, options, err := r.ReadPacketDataWithOptions()
		if errors.Is(err, io.EOF) {
			return all
		}
		check(t, err)
		p := packet{data: data, comments: options.Comments, sent: options.Flags != nil && options.Flags.Direction == pcapgo.NgEpbFlagDirectionOutbound}
		if options.DropCount != nil {
			p.dropped = *options.DropCount
		}
		all = append(all, p)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// memoryPort receives the frames that a test queues, and discards what it sends.
type memoryPort struct{ received [][]byte }

func (p *memoryPort) ReadBatch(frames []datapath.Frame) (n int, err error) {
	if len(p.received) == 0 {
		return 0, net.ErrClosed
	}
	for n < len(frames) && n < len(p.received) {
		frames[n].Data = append(frames[n].Data[:0], p.received[n]...)
		n++
	}
	p.received = p.received[n:]
	return n, nil
}
func (p *memoryPort) WriteBatch(frames [][]byte) (int, error)     { return len(frames), nil }
func (p *memoryPort) WriteGather(frames [][2][]byte) (int, error) { return len(frames), nil }
func (p *memoryPort) Addr() wire.Addr                             { return client }
func (p *memoryPort) MTU() int                                    { return 1500 }
func (p *memoryPort) Close() error                                { return nil }

func padi() []byte {
	return wire.DiscoveryFrame{Dst: wire.Broadcast, Src: client, Discovery: wire.Discovery{Code: wire.PADI}}.AppendTo(nil)
}

func sessionFrame(p ppp.Protocol, body []byte) []byte {
	return wire.AppendSessionFrame(nil, ac, client, 7, appendProtocol(p, body))
}

func open(t *testing.T, change func(*Config)) (c *Capture, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "a.pcapng")
	cfg := Config{Config: pcapngwriter.Config{Path: path, Interface: "eth0"}}
	if change != nil {
		change(&cfg)
	}
	c, err := Open(cfg)
	check(t, err)
	return c, path
}

var data = sessionFrame(ppp.Protocol(0x21), []byte{0x45, 0, 0, 20})

// TestPorts: control frames of both directions are captured with the VLAN's tags, data only if wanted.
func TestPorts(t *testing.T) {
	for _, withData := range []bool{false, true} {
		c, path := open(t, func(cfg *Config) { cfg.Data = withData })
		echo := sessionFrame(ppp.LCP, ppp.Control{Code: ppp.EchoRequest, ID: 1, Data: []byte{0, 0, 0, 0}}.AppendTo(nil))
		memory := &memoryPort{received: [][]byte{echo, data}}
		in := vlan.Stack{{TPID: vlan.CTag, VID: 7}}
		ports := c.Ports(pppoe.Ports{Discovery: &memoryPort{}, Session: memory}, Link{Interface: "eth0", VLAN: in, ControlPriority: 6, DataPriority: 1})
		ports.Discovery.WriteBatch([][]byte{padi()})
		ports.Session.ReadBatch(make([]datapath.Frame, 4))
		ports.Session.(datapath.Gatherer).WriteGather([][2][]byte{{data[:22], data[22:]}})
		ports.Session.WriteBatch([][]byte{echo})
		c.Close()
		want := [][]byte{in.Insert(padi(), 6), in.Insert(echo, 0), in.Insert(data, 0), in.Insert(data, 1), in.Insert(echo, 6)}
		if !withData {
			want = [][]byte{want[0], want[1], want[4]}
		}
		got := readFile(t, path)
		if !slices.EqualFunc(got, want, func(p packet, w []byte) bool { return bytes.Equal(p.data, w) }) {
			t.Errorf("data %v: got %v\nwant %x", withData, got, want)
		}
		if !got[0].sent || got[1].sent {
			t.Errorf("directions: %+v", got)
		}
	}
}

// TestComments: a comment belongs to the frame before it, if that is recent, and is else a packet without data.
func TestComments(t *testing.T) {
	c, path := open(t, nil)
	port := c.Port(&memoryPort{}, Link{Interface: "eth0"})
	c.Comment("before all")
	port.WriteBatch([][]byte{padi()})
	io.WriteString(c, "one\ntwo\n")
	port.WriteBatch([][]byte{padi()})
	c.put(pcapngwriter.Packet{Time: time.Now().Add(time.Hour), Interface: "eth0", Comments: []string{"late"}})
	c.Close()
	c.Close()
	var got []string
	for _, p := range readFile(t, path) {
		got = append(got, strings.Repeat("frame", len(p.data)/20)+strings.Join(p.comments, ","))
	}
	if text := strings.Join(got, ";"); text != "before all;frameone,two;frame;late" {
		t.Error(text)
	}
}

// TestLive: a file can be read while it is written: a frame is in it soon.
func TestLive(t *testing.T) {
	c, path := open(t, nil)
	defer c.Close()
	c.Port(&memoryPort{}, Link{Interface: "eth0"}).WriteBatch([][]byte{padi()})
	for end := time.Now().Add(20 * time.Second); len(readFile(t, path)) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no frame")
		}
	}
}

// TestQueueFull: a reader that does not read costs frames, which are counted, and no time.
func TestQueueFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	check(t, unix.Mkfifo(path, 0o600))
	c, err := Open(Config{Config: pcapngwriter.Config{Path: path, Interface: "eth0"}})
	check(t, err)
	port := c.Port(&memoryPort{}, Link{Interface: "eth0"})
	frame := sessionFrame(ppp.LCP, make([]byte, 1400))
	for range 2 * maxQueued {
		port.WriteBatch([][]byte{frame})
	}
	if c.dropped.Load() == 0 || c.size.Load() > maxOctets {
		t.Errorf("dropped %d, queued %d octets", c.dropped.Load(), c.size.Load())
	}
	c.Close() // in time, although nobody reads
}

// TestDropCount: the next packet says how many were lost before it.
func TestDropCount(t *testing.T) {
	c, path := open(t, nil)
	c.put(pcapngwriter.Packet{Time: time.Now(), Interface: "eth0", Data: make([]byte, maxOctets+1)})
	c.put(pcapngwriter.Packet{Time: time.Now(), Interface: "eth0", Data: padi()})
	c.Close()
	if got := readFile(t, path); len(got) != 1 || got[0].dropped != 1 {
		t.Errorf("%+v", got)
	}
}

// TestWriteError: the first error is reported, once, and ends the capture.
func TestWriteError(t *testing.T) {
	reports := make(chan error, 9)
	c, err := Open(Config{Config: pcapngwriter.Config{Path: "/dev/full", Interface: "eth0"}, Report: func(err error) { reports <- err }})
	if err == nil {
		c.Close()
		t.Fatal("the beginning could be written")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "a", "b")
	check(t, os.Mkdir(filepath.Dir(path), 0o700))
	c, err = Open(Config{Config: pcapngwriter.Config{Path: path, Interface: "eth0", MaxSize: 1}, Report: func(err error) { reports <- err }})
	check(t, err)
	check(t, os.RemoveAll(filepath.Dir(path)))
	for range 3 {
		c.put(pcapngwriter.Packet{Time: time.Now(), Interface: "eth0", Data: padi()})
	}
	c.Close()
	if err := <-reports; !errors.Is(err, os.ErrNotExist) || len(reports) > 0 {
		t.Error(err)
	}
	c.put(pcapngwriter.Packet{Data: padi()})
	if len(c.queue) > 0 && c.failed.Load() && c.size.Load() > 0 {
		t.Error("frames are queued after the error")
	}
}

// TestNil: methods of a capture that is not wanted do nothing.
func TestNil(t *testing.T) {
	var c *Capture
	p := &memoryPort{}
	c.Comment("x")
	if c.Port(p, Link{}) != datapath.Port(p) || c.Ports(pppoe.Ports{Discovery: p}, Link{}).Discovery != datapath.Port(p) {
		t.Error("the port is wrapped")
	}
	c.Close()
}

// TestSettled: a frame is written when comments can no longer come, and the goroutine ends with Close.
func TestSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, path := open(t, nil)
		c.put(pcapngwriter.Packet{Time: time.Now(), Interface: "eth0", Data: padi()})
		time.Sleep(settleTime + 1)
		synctest.Wait()
		if got := readFile(t, path); len(got) != 1 {
			t.Errorf("%+v", got)
		}
		c.Close()
	})
}

const secret = "correct horse battery staple"

// TestPasswords: passwords of PAP are masked wherever they are, in whatever form, unless they are wanted.
func TestPasswords(t *testing.T) {
	request := pap.Request{Name: []byte("alice"), Password: []byte(secret)}.AppendTo(nil)
	whole := ppp.Control{Code: pap.AuthenticateRequest, ID: 3, Data: request}.AppendTo(nil)
	reject := func(p []byte) []byte {
		return ppp.Control{Code: ppp.ProtocolReject, ID: 1, Data: appendProtocol(ppp.PAP, p)}.AppendTo(nil)
	}
	tags := vlan.Stack{{TPID: vlan.STag, VID: 5}, {TPID: vlan.CTag, VID: 6}}
	longer := bytes.Clone(whole)
	longer[3]++ // Length beyond the packet
	badField := bytes.Clone(whole)
	badField[4] = 200
	short := sessionFrame(ppp.PAP, whole)
	short[19] += 9 // LENGTH beyond the frame
	for name, c := range map[string]struct {
		frame []byte
		keeps string // what is not masked
	}{
		"request":                       {sessionFrame(ppp.PAP, whole), "alice"},
		"padded request":                {append(sessionFrame(ppp.PAP, whole), secret...), "alice"},
		"with two tags":                 {tags.Insert(sessionFrame(ppp.PAP, whole), 6), "alice"},
		"protocol-reject":               {sessionFrame(ppp.LCP, reject(whole)), "alice"},
		"protocol-reject cut":           {sessionFrame(ppp.LCP, reject(whole[:20])), ""},
		"length beyond the packet":      {sessionFrame(ppp.PAP, longer), ""},
		"name beyond the packet":        {sessionFrame(ppp.PAP, badField), ""},
		"PPPoE length beyond the frame": {short, "alice"},
	} {
		got := maskPasswords(bytes.Clone(c.frame))
		if bytes.Contains(got, []byte(secret[:4])) || !bytes.Contains(got, masked) || !bytes.Contains(got, []byte(c.keeps)) {
			t.Errorf("%s: %q", name, got)
		}
		at, _ := sessionHeader(got)
		if _, _, err := wire.ParseSession(got[at:]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, frame := range map[string][]byte{
		"PADI": padi(), "data": data, "ack": sessionFrame(ppp.PAP, ppp.Control{Code: pap.AuthenticateAck, Data: []byte("\x08Login ok")}.AppendTo(nil)),
		"echo": sessionFrame(ppp.LCP, ppp.Control{Code: ppp.EchoRequest}.AppendTo(nil)), "nothing": nil,
	} {
		if got := maskPasswords(bytes.Clone(frame)); !bytes.Equal(got, frame) {
			t.Errorf("%s: %x became %x", name, frame, got)
		}
	}
	for _, show := range []bool{false, true} {
		c, path := open(t, func(cfg *Config) { cfg.ShowPasswords = show })
		c.Port(&memoryPort{}, Link{Interface: "eth0"}).WriteBatch([][]byte{sessionFrame(ppp.PAP, whole)})
		c.Close()
		text, err := os.ReadFile(path)
		check(t, err)
		if bytes.Contains(text, []byte(secret)) != show || bytes.Contains(text, []byte("are masked")) == show {
			t.Errorf("show %v: %q", show, text)
		}
	}
}

// FuzzMaskPasswords: the frame stays parsable if it was, and no other frame changes.
func FuzzMaskPasswords(f *testing.F) {
	whole := ppp.Control{Code: pap.AuthenticateRequest, ID: 3, Data: pap.Request{Name: []byte("a"), Password: []byte(secret)}.AppendTo(nil)}.AppendTo(nil)
	f.Add(sessionFrame(ppp.PAP, whole))
	f.Add(padi())
	f.Fuzz(func(t *testing.T, frame []byte) {
		got := maskPasswords(bytes.Clone(frame))
		if bytes.Contains(got, []byte(secret)) && !bytes.Contains(frame, []byte(secret)) {
			t.Error("it adds the password")
		}
		if bytes.Equal(got, frame) {
			return
		}
		at, ok := sessionHeader(got)
		if !ok || !isControl(got) {
			t.Fatalf("%x became %x", frame, got)
		}
		if _, _, err := wire.ParseSession(got[at:]); err != nil && frame[at] == 0x11 && frame[at+1] == 0 {
			t.Errorf("%x became %x: %v", frame, got, err)
		}
	})
}
