package datapath

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/pppoe"
	"upppoe/test/lab"
)

// eachPair runs a test with each data path at one end and each at the other.
func eachPair(t *testing.T, test func(t *testing.T, e *ends)) {
	paths := []pppoe.DataPath{pppoe.DataPathPlain, pppoe.DataPathOffload}
	for _, by := range paths {
		for _, with := range paths {
			t.Run(fmt.Sprintf("%v to %v", by, with), func(t *testing.T) { test(t, dial(t, by, with)) })
		}
	}
}

// TestTCP carries a stream each way at once, over IPv4 and IPv6, with the checksum offload
// of the veth pair on and off. Whatever goes over the wire has right lengths and checksums,
// and what arrives is what was sent.
func TestTCP(t *testing.T) {
	roottest.Need(t)
	eachPair(t, func(t *testing.T, e *ends) {
		for _, offload := range []bool{true, false} {
			for _, n := range []*lab.Namespace{e.client, e.server} {
				must(t, n.Offload("eth0", offload, lab.ChecksumOut, lab.ChecksumIn))
			}
			for _, to := range []string{serverIP, serverIP6} {
				w := watch(t, e.server)
				e.streams(t, to, 8<<20)
				w.end(t, 4000)
			}
		}
	})
}

// streams sends octets both ways at once.
func (e *ends) streams(t *testing.T, to string, octets int64) {
	t.Helper()
	listener := listen(t, e.server, to)
	defer listener.Close()
	results := make(chan error, 2)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			err = exchange(conn, octets, 1, 2)
		}
		results <- err
	}()
	var conn net.Conn
	must(t, e.client.Do(func() (err error) {
		conn, err = net.Dial("tcp", listener.Addr().String())
		return err
	}))
	results <- exchange(conn, octets, 2, 1)
	for range 2 {
		if err := <-results; err != nil {
			t.Errorf("%s: %v", to, err)
		}
	}
}

func listen(t *testing.T, in *lab.Namespace, to string) (l net.Listener) {
	t.Helper()
	must(t, in.Do(func() (err error) {
		l, err = net.Listen("tcp", net.JoinHostPort(to, "0"))
		return err
	}))
	return l
}

// exchange sends the octets of one seed and expects those of another.
func exchange(conn net.Conn, octets int64, send, expect uint64) error {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	sent := make(chan error, 1)
	go func() {
		_, err := io.CopyN(conn, stream(send), octets)
		sent <- err
	}()
	got, want := sha256.New(), sha256.New()
	n, err := io.CopyN(got, conn, octets)
	if err != nil {
		return fmt.Errorf("after %d octets: %w", n, err)
	}
	io.CopyN(want, stream(expect), octets)
	if !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
		return errors.New("other octets arrived than were sent")
	}
	return <-sent
}

func stream(seed uint64) io.Reader {
	return rand.NewChaCha8([32]byte{byte(seed)})
}

// TestUDP sends datagrams of all sizes, and bursts of the same size, which are joined and
// cut: each arrives as it was sent, and none else.
func TestUDP(t *testing.T) {
	roottest.Need(t)
	eachPair(t, func(t *testing.T, e *ends) {
		for _, to := range []string{serverIP, serverIP6} {
			w := watch(t, e.server)
			e.datagrams(t, to)
			w.end(t, 1000)
		}
	})
}

func (e *ends) datagrams(t *testing.T, to string) {
	t.Helper()
	var server net.PacketConn
	must(t, e.server.Do(func() (err error) {
		server, err = net.ListenPacket("udp", net.JoinHostPort(to, "0"))
		return err
	}))
	defer server.Close()
	var conn net.Conn
	must(t, e.client.Do(func() (err error) {
		conn, err = net.Dial("udp", server.LocalAddr().String())
		return err
	}))
	defer conn.Close()
	buf := make([]byte, 2000)
	most := 1492 - 28
	if strings.Contains(to, ":") {
		most -= 20
	}
	r := rand.New(rand.NewPCG(1, 2))
	for size := 0; size <= most; size++ {
		burst := 1
		if size%97 == 0 {
			burst = 40
		}
		var sent [][]byte
		for range burst {
			b := make([]byte, size)
			for i := range b {
				b[i] = byte(r.Uint32())
			}
			sent = append(sent, b)
			if _, err := conn.Write(b); err != nil {
				t.Fatal(err)
			}
		}
		for i, want := range sent {
			server.SetReadDeadline(time.Now().Add(5 * time.Second))
			n, _, err := server.ReadFrom(buf)
			if err != nil || !bytes.Equal(buf[:n], want) {
				t.Fatalf("%s: datagram %d of %d octets: %d octets arrived: %v", to, i, size, n, err)
			}
		}
	}
}

// TestPingEverySize sends echo requests of every size up to the MTU that must not be
// fragmented. One octet more is too long.
func TestPingEverySize(t *testing.T) {
	roottest.Need(t)
	eachPair(t, func(t *testing.T, e *ends) {
		w := watch(t, e.server)
		must(t, e.client.Do(func() error { return pingAll(1492 - 28) }))
		w.end(t, 1492-28)
	})
}

// pingAll pings with all numbers of octets.
func pingAll(most int) error {
	unfragmented := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		c.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DO)
		})
		return err
	}}
	conn, err := unfragmented.ListenPacket(context.Background(), "ip4:icmp", clientIP)
	if err != nil {
		return err
	}
	defer conn.Close()
	to := &net.IPAddr{IP: net.ParseIP(serverIP)}
	for size := 0; size <= most; size++ {
		data := bytes.Repeat([]byte{byte(size)}, size)
		if err := echo(conn, to, size, data); err != nil {
			return fmt.Errorf("%d octets: %w", size, err)
		}
	}
	m := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{Data: make([]byte, most+1)}}
	b, _ := m.Marshal(nil)
	if _, err := conn.WriteTo(b, to); !errors.Is(err, unix.EMSGSIZE) {
		return fmt.Errorf("one octet more than the MTU: %v, want %w", err, unix.EMSGSIZE)
	}
	return nil
}

// echo sends a request and waits for the answer.
func echo(conn net.PacketConn, to net.Addr, seq int, data []byte) error {
	m := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: 77, Seq: seq, Data: data}}
	b, err := m.Marshal(nil)
	if err != nil {
		return err
	}
	if _, err := conn.WriteTo(b, to); err != nil {
		return err
	}
	conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	for buf := make([]byte, 2000); ; {
		n, _, err := conn.ReadFrom(buf)
		if err != nil {
			return err
		}
		got, err := icmp.ParseMessage(1, buf[:n])
		if e, ok := got.Body.(*icmp.Echo); err == nil && ok && got.Type == ipv4.ICMPTypeEchoReply && e.ID == 77 && e.Seq == seq {
			if !bytes.Equal(e.Data, data) {
				return errors.New("other octets came back")
			}
			return nil
		}
	}
}
