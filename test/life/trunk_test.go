package life

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"

	"upppoe/chap"
	"upppoe/ipcp"
	"upppoe/lcp"
	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/vlan"
	"upppoe/tun"
	"upppoe/tun/tuntest"
)

// TestScanOfAllVLANs: pppoe-discovery finds our server in each of 4,094 VLANs.
func TestScanOfAllVLANs(t *testing.T) {
	w := newTestbed(t)
	w.serve(t, "--vlan", "1-4094")
	began := time.Now()
	r := w.run(t, "pppoe-discovery", "-I", "eth0", "--vlan", "1-4094")
	t.Logf("the search took %v", time.Since(began))
	found := map[string]bool{}
	for _, line := range strings.Split(r.stdout, "\n") {
		if name, ok := strings.CutPrefix(line, "VLAN: "); ok {
			found[name] = true
		}
	}
	if n := strings.Count(r.stdout, "Access-Concentrator: life-ac\n"); n != 4094 || len(found) != 4094 || r.code != 0 {
		t.Errorf("found %d concentrators in %d VLANs, exit code %d: %s\n%.300s", n, len(found), r.code, r.stderr, r.stdout)
	}
}

// vlanClient is a client in a VLAN, whose packets the test sends and receives.
type vlanClient struct {
	device  *tuntest.Device
	address netip.Addr
	session uint16
	stop    func()
}

// vlanNetwork is the HostNetwork of a vlanClient.
type vlanNetwork struct {
	device *tuntest.Device
}

func (n vlanNetwork) Open(pppoe.SessionInfo) (tun.Device, error) { return n.device, nil }

func (n vlanNetwork) Configure(pppoe.SessionInfo, pppoe.Addressing, pppoe.Addressing) error {
	return nil
}

func (n vlanNetwork) Close(pppoe.SessionInfo, pppoe.Addressing) {}

// dialIn opens a session in a VLAN of the client's eth0.
func (w *testbed) dialIn(t *testing.T, in string) *vlanClient {
	t.Helper()
	tags, err := vlan.Parse(in)
	check(t, err)
	c := &vlanClient{device: tuntest.New("test")}
	open := make(chan struct{})
	client, err := pppoe.NewClient(pppoe.ClientConfig{
		Interface: "eth0",
		OpenPorts: func() (ports pppoe.Ports, err error) {
			err = w.client.Do(func() (err error) {
				ports, err = afpacket.OpenPorts(afpacket.Attachment{Interface: "eth0", VLAN: tags})
				return err
			})
			return ports, err
		},
		Session: session.Config{
			LCP:         lcp.Config{AllowAuth: []ppp.Method{chap.MD5}},
			Credentials: ppp.Credentials{Name: user, Secret: func(string) ([]byte, bool) { return []byte(secret), true }},
			IPv4:        &ipcp.Config{},
		},
		Network: vlanNetwork{c.device},
		Notify: func(_ pppoe.SessionInfo, e pppoe.Event) {
			switch e := e.(type) {
			case pppoe.SessionEstablished:
				c.session = e.Grant.SessionID
			case pppoe.Configured:
				c.address = e.Addressing.IPv4.Local
				close(open)
			}
		},
	})
	check(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { client.Run(ctx) })
	c.stop = func() { cancel(); running.Wait() }
	t.Cleanup(c.stop)
	select {
	case <-open:
	case <-time.After(timeout):
		t.Fatalf("no session in VLAN %s", in)
	}
	return c
}

// ping sends an echo request to the server, and waits for its answer, which must be the next packet
// that the client receives.
func (c *vlanClient) ping(t *testing.T, number int) {
	t.Helper()
	echo := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: int(c.session), Seq: number, Data: []byte(c.address.String())}}
	body, err := echo.Marshal(nil)
	check(t, err)
	header := ipv4.Header{Version: 4, Len: 20, TotalLen: 20 + len(body), TTL: 64, Protocol: 1, Src: c.address.AsSlice(), Dst: []byte{192, 0, 2, 1}}
	b, err := header.Marshal()
	check(t, err)
	var sum uint32
	for i := 0; i < 20; i += 2 {
		sum += uint32(b[i])<<8 | uint32(b[i+1])
	}
	sum = ^(sum>>16 + sum&0xffff)
	b[10], b[11] = byte(sum>>8), byte(sum)
	c.device.Inject(append(b, body...))
	select {
	case got := <-c.device.Received():
		m, err := icmp.ParseMessage(1, got[20:])
		check(t, err)
		if e, ok := m.Body.(*icmp.Echo); !ok || m.Type != ipv4.ICMPTypeEchoReply || e.Seq != number || string(e.Data) != c.address.String() {
			t.Fatalf("%v received %+v", c.address, m)
		}
	case <-time.After(timeout):
		t.Fatalf("%v gets no answer", c.address)
	}
}

// TestTrunk: on each data path, sessions of one Ethernet address in several VLANs, one of them of
// two tags, have packets of their own, though two have the same session ID.
func TestTrunk(t *testing.T) {
	for _, path := range []string{"auto", "kernel", "offload", "offload\ndatapath-queues 2", "plain"} {
		t.Run(path, func(t *testing.T) {
			w := newTestbed(t)
			w.serverOptions(t, "require-chap\ndatapath "+path+"\n")
			w.serve(t, "--vlan", "40-59,60.100-200,0x9100:7", "-N", "3")
			a, b, odd := w.dialIn(t, "50"), w.dialIn(t, "60.100"), w.dialIn(t, "0x9100:7")
			b.stop()
			b = w.dialIn(t, "60.100") // session IDs, of which there are three, begin again
			if a.session != b.session || a.address == b.address {
				t.Fatalf("sessions %d and %d, addresses %v and %v", a.session, b.session, a.address, b.address)
			}
			for i := range 50 {
				for _, c := range []*vlanClient{a, b, odd} {
					c.ping(t, i)
				}
			}
			for _, c := range []*vlanClient{a, b, odd} {
				if n := len(c.device.Received()); n != 0 {
					t.Errorf("%v has received %d packets too many", c.address, n)
				}
			}
		})
	}
}
