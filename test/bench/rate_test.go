package bench

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/test/lab"
	"upppoe/test/lab/labtest"
	"upppoe/tun"
)

// rateTime is how long a stream is measured, after warmUp.
const (
	rateTime = 8 * time.Second
	warmUp   = 4 * time.Second
)

// BenchmarkRate reports which share of a session's rate limit one TCP stream reaches, in payload,
// between a host behind the server and the client, for several rates, one-way delays and congestion
// controls. UPPPOE_RATE_BURST sets rate-burst in milliseconds; unset: the default.
//
// With -short it measures one case, which shows that it works.
//
//	go test ./test/bench -run '^$' -bench Rate -benchtime 1x
func BenchmarkRate(b *testing.B) {
	controls := []string{"cubic", "reno", "bbr"}
	delays := []time.Duration{0, 5 * time.Millisecond, 50 * time.Millisecond}
	rates := []int{512, 2_000, 10_000, 100_000, 1_000_000}
	if testing.Short() {
		controls, delays, rates = controls[:1], delays[1:2], rates[2:3]
	}
	for _, control := range controls {
		for _, delay := range delays {
			for _, kbit := range rates {
				for _, way := range []string{"down", "up"} {
					b.Run(fmt.Sprintf("%s/%v/%d/%s", control, delay, kbit, way), func(b *testing.B) {
						for b.Loop() {
							b.ReportMetric(rateShare(b, control, delay, kbit, way == "up"), "of-rate")
						}
					})
				}
			}
		}
	}
}

// rateShare measures one stream over a session of its own.
func rateShare(b *testing.B, control string, delay time.Duration, kbit int, up bool) float64 {
	l := newTestbed(b)
	options := fmt.Sprintf("require-chap\nrate-down %d\nrate-up %d\n", kbit, kbit)
	if burst := os.Getenv("UPPPOE_RATE_BURST"); burst != "" {
		options += "rate-burst " + burst + "\n"
	}
	must(b, os.WriteFile(filepath.Join(l.bin, "pppoe-server-options"), []byte(options), 0o600))
	l.serve(b, "-L", "192.0.2.1", "-R", "192.0.2.10")
	client := l.dial(b, "defaultroute")
	must(b, client.Await("remote IP address"))
	far := labtest.Namespace(b)
	connectFarHost(b, far, l.server, delay)
	from, to, address := far, l.client, "192.0.2.10:5001"
	if up {
		from, to, address = l.client, far, "198.51.100.2:5001"
	}
	received, err := stream(from, to, address, control)
	must(b, err)
	client.Stop()
	return float64(received*8) / rateTime.Seconds() / float64(kbit*1000)
}

// stream sends by TCP between namespaces, and returns the number of octets received in rateTime.
func stream(from, to *lab.Namespace, address, control string) (received int64, err error) {
	var listener net.Listener
	err = to.Do(func() error { listener, err = net.Listen("tcp4", address); return err })
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	dialer := net.Dialer{Timeout: 10 * time.Second, Control: func(_, _ string, raw syscall.RawConn) (err error) {
		raw.Control(func(fd uintptr) { err = unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, control) })
		return err
	}}
	var out net.Conn
	err = from.Do(func() error { out, err = dialer.DialContext(context.Background(), "tcp4", address); return err })
	if err != nil {
		return 0, err
	}
	defer out.Close()
	in, err := listener.Accept()
	if err != nil {
		return 0, err
	}
	defer in.Close()
	// Ends when the connection is closed.
	go io.Copy(out, zeroes{})
	in.SetReadDeadline(time.Now().Add(warmUp))
	io.Copy(io.Discard, in)
	in.SetReadDeadline(time.Now().Add(rateTime))
	received, err = io.Copy(io.Discard, in)
	if netErr, ok := err.(net.Error); ok && netErr.Timeout() {
		err = nil
	}
	return received, err
}

// zeroes is an endless reader.
type zeroes struct{}

func (zeroes) Read(b []byte) (int, error) { return len(b), nil }

// connectFarHost connects a far host to the server's namespace, with a one-way delay, by two TUN
// devices between which GSO packets are forwarded, so that the connection itself does not limit the
// rate.
func connectFarHost(b *testing.B, far, server *lab.Namespace, delay time.Duration) {
	b.Helper()
	ends := make([]*tun.GSO, 2)
	for i, n := range []*lab.Namespace{far, server} {
		must(b, n.Do(func() (err error) {
			if ends[i], err = tun.OpenGSO(tun.Config{Name: "wire"}); err != nil {
				return err
			}
			link, err := netlink.LinkByName("wire")
			if err != nil {
				return err
			}
			address := fmt.Sprintf("198.51.100.%d/24", 2-i)
			prefix, err := netlink.ParseAddr(address)
			if err != nil {
				return err
			}
			if err := netlink.AddrAdd(link, prefix); err != nil {
				return err
			}
			netlink.LinkSetTxQLen(link, 10_000)
			if err := netlink.LinkSetUp(link); err != nil {
				return err
			}
			return ends[i].EnableGSO()
		}))
		b.Cleanup(func() { ends[i].Close() })
	}
	must(b, far.Do(func() error {
		gw := netip.MustParseAddr("198.51.100.1").AsSlice()
		return netlink.RouteAdd(&netlink.Route{Gw: gw})
	}))
	must(b, server.Do(func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0) }))
	for i := range ends {
		go forward(ends[i], ends[1-i], delay)
	}
}

// delayedPacket is a packet in transit.
type delayedPacket struct {
	at      time.Time
	packet  []byte // after tun.VirtioHeaderLen octets of room
	pending tun.PendingOffload
}

// forward moves packets from one end to the other until either is closed.
func forward(from, to *tun.GSO, delay time.Duration) {
	queue := make(chan delayedPacket, 1<<16)
	defer close(queue)
	go func() {
		for p := range queue {
			time.Sleep(time.Until(p.at))
			to.WriteGSO(&tun.GSOPacket{Parts: [][]byte{p.packet}, Headers: headerLen(p.packet[tun.VirtioHeaderLen:]), Pending: p.pending}, tun.VirtioHeaderLen)
		}
	}()
	buf := make([]byte, tun.VirtioHeaderLen+tun.MaxGSOPacket)
	for {
		n, pending, err := from.ReadGSO(buf, tun.VirtioHeaderLen)
		if err == nil && n == 0 {
			err = from.Wait()
		}
		if err != nil {
			return
		}
		if n > 0 {
			select {
			case queue <- delayedPacket{time.Now().Add(delay), append([]byte(nil), buf[:tun.VirtioHeaderLen+n]...), pending}:
			default:
			}
		}
	}
}

// headerLen returns the length of the IPv4 and TCP headers of a packet.
func headerLen(packet []byte) int {
	ip := int(packet[0]&0xf) * 4
	if len(packet) < ip+20 {
		return ip
	}
	return ip + int(packet[ip+12]>>4)*4
}
