package forward

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/test/lab"
)

// TestForwardedMSS: TCP between hosts without PPPoE announces an MSS that fits the session, so that
// no router needs to send Packet Too Big.
func TestForwardedMSS(t *testing.T) {
	roottest.Need(t, "ip")
	for _, c := range []struct {
		what         string
		bound        string // empty: the default of pppoe-client and pppoe-server
		mss4, mss6   int
		tooBigIsSent bool
	}{
		{"our programs", "", 1452, 1432, false},
		{"no more than 1300", "1300", 1300, 1280, false},
		{"left as it is", "-1", 1460, 1440, true},
	} {
		t.Run(c.what, func(t *testing.T) {
			j := newNetwork(t)
			client, server := j.startEnds(t, c.bound)
			j.awaitSession(t, client, server)
			for _, to := range []struct {
				addr netip.Addr
				mss  int
			}{{outside4, c.mss4}, {outside6, c.mss6}} {
				before := j.tooBig(t, to.addr)
				syn, answer := j.connectAndExchange(t, to.addr)
				if syn != to.mss || answer != to.mss {
					t.Errorf("to %v: the far end sees an MSS of %d, the near end %d; want %d", to.addr, syn, answer, to.mss)
				}
				if sent := j.tooBig(t, to.addr) - before; (sent > 0) != c.tooBigIsSent {
					t.Errorf("to %v: routers sent %d Packet Too Big; want some: %v", to.addr, sent, c.tooBigIsSent)
				}
			}
		})
	}
}

// startEnds starts both ends of the session.
func (j *network) startEnds(t *testing.T, bound string) (client, server *lab.Program) {
	t.Helper()
	serve := []string{"pppoe-server", "-F", "-I", "eth0", "-L", "192.0.2.1", "-R", "192.0.2.10"}
	dial := []string{"pppoe-client", "eth0", "user", "testuser", "password", "testpassword", "noauth", "nodetach"}
	if bound != "" {
		serve, dial = []string{"sessionend", "server", bound}, []string{"sessionend", "client", bound}
	}
	server = start(t, j.server, serve[0], serve[1:]...)
	check(t, server.Await("Serving on eth0"))
	return start(t, j.client, dial[0], dial[1:]...), server
}

// transferSize is the number of octets sent in each direction.
const transferSize = 4 << 20

// connectAndExchange connects the inside host to the outside host, sends transferSize in both
// directions at once, and returns the MSS of the SYN and of the SYN-ACK.
func (j *network) connectAndExchange(t *testing.T, to netip.Addr) (syn, answer int) {
	t.Helper()
	syns, answers := watchMSS(t, j.outside, flagSYN), watchMSS(t, j.inside, flagSYN|flagACK)
	var listener net.Listener
	check(t, j.outside.Do(func() (err error) {
		listener, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(to, port)))
		return err
	}))
	defer listener.Close()
	far := make(chan error, 1)
	// Ends with the connection, or the listener.
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			err = exchange(conn)
		}
		far <- err
	}()
	var conn net.Conn
	check(t, j.inside.Do(func() (err error) {
		d := net.Dialer{Timeout: 10 * time.Second}
		conn, err = d.Dial("tcp", netip.AddrPortFrom(to, port).String())
		return err
	}))
	check(t, errors.Join(exchange(conn), <-far))
	return awaitMSS(t, syns), awaitMSS(t, answers)
}

// exchange sends transferSize octets, and receives as many.
func exchange(conn net.Conn) error {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	much := bytes.Repeat([]byte("What goes in comes out. "), transferSize/24)
	sent := make(chan error, 1)
	// Ends when all is sent, or at the deadline.
	go func() {
		_, err := conn.Write(much)
		sent <- err
	}()
	got := make([]byte, len(much))
	_, err := io.ReadFull(conn, got)
	if err = errors.Join(err, <-sent); err != nil {
		return err
	}
	if !bytes.Equal(got, much) {
		return fmt.Errorf("of %d octets, some came out changed", len(much))
	}
	return nil
}

const (
	port    = 7550 // of the outside host's listener
	flagSYN = 0x02
	flagACK = 0x10
)

// watchMSS yields the MSS of the first TCP segment on a host's eth0 with these flags.
func watchMSS(t *testing.T, in *lab.Namespace, flags byte) <-chan int {
	t.Helper()
	var conn *packet.Conn
	check(t, in.Do(func() error {
		iface, err := net.InterfaceByName("eth0")
		if err == nil {
			conn, err = packet.Listen(iface, packet.Raw, unix.ETH_P_ALL, nil)
		}
		return err
	}))
	t.Cleanup(func() { conn.Close() })
	found := make(chan int, 1)
	// Ends with the socket.
	go func() {
		buf := make([]byte, 1<<16)
		for {
			n, _, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if tcp := tcpOf(buf[:n]); len(tcp) >= 24 && tcp[13]&0x3f == flags && tcp[20] == 2 {
				found <- int(binary.BigEndian.Uint16(tcp[22:]))
				conn.Close()
			}
		}
	}()
	return found
}

// tcpOf returns the TCP segment in a frame of Linux; nil: there is none.
func tcpOf(frame []byte) []byte {
	switch {
	case len(frame) < 74:
		return nil
	case frame[12] == 0x08 && frame[13] == 0 && frame[23] == unix.IPPROTO_TCP:
		return frame[14+int(frame[14]&0xf)*4:]
	case frame[12] == 0x86 && frame[13] == 0xdd && frame[20] == unix.IPPROTO_TCP:
		return frame[54:]
	}
	return nil
}

func awaitMSS(t *testing.T, found <-chan int) int {
	t.Helper()
	select {
	case mss := <-found:
		return mss
	case <-time.After(10 * time.Second):
		t.Fatal("no SYN with an MSS was seen")
		return 0
	}
}

// tooBig returns how often the client's and the server's machine have sent Packet Too Big (ICMP,
// ICMPv6) of a family.
func (j *network) tooBig(t *testing.T, family netip.Addr) (n int) {
	t.Helper()
	for _, router := range []*lab.Namespace{j.client, j.server} {
		check(t, router.Do(func() error {
			sent, err := packetTooBig4()
			if family.Is6() {
				sent, err = packetTooBig6()
			}
			n += sent
			return err
		}))
	}
	return n
}

// packetTooBig4 parses a line of names and a line of numbers.
func packetTooBig4() (int, error) {
	b, err := os.ReadFile("/proc/thread-self/net/snmp")
	lines := regexp.MustCompile(`(?m)^Icmp: .*$`).FindAllString(string(b), 2)
	if err != nil || len(lines) != 2 {
		return 0, fmt.Errorf("the kernel does not count ICMP: %v\n%s", err, b)
	}
	at := slices.Index(strings.Fields(lines[0]), "OutDestUnreachs")
	return strconv.Atoi(strings.Fields(lines[1])[at])
}

func packetTooBig6() (int, error) {
	b, err := os.ReadFile("/proc/thread-self/net/snmp6")
	found := regexp.MustCompile(`(?m)^Icmp6OutPktTooBigs\s+(\d+)$`).FindSubmatch(b)
	if err != nil || found == nil {
		return 0, fmt.Errorf("the kernel does not count ICMPv6: %v\n%s", err, b)
	}
	return strconv.Atoi(string(found[1]))
}
