package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	port         = 5000
	streamLength = 1 << 20 // in each direction
	timeout      = time.Minute
)

// Seeds of the streams.
const (
	client = 1
	server = 2
)

func serve(addrs []netip.Addr) error {
	failed := make(chan error)
	for _, a := range addrs {
		at := netip.AddrPortFrom(a, port)
		listener, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at))
		if err != nil {
			return err
		}
		config := net.ListenConfig{Control: allowFragments(a)}
		datagrams, err := config.ListenPacket(context.Background(), "udp", at.String())
		if err != nil {
			return err
		}
		go func() { failed <- acceptLoop(listener) }()
		go func() { failed <- echo(datagrams) }()
	}
	fmt.Println("serving")
	return <-failed
}

func acceptLoop(listener net.Listener) error {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			if err := exchange(conn, server, client); err != nil {
				fmt.Println(err)
			}
		}()
	}
}

// allowFragments permits routers to fragment IPv4 packets. IPv6 is fragmented by the sender.
func allowFragments(a netip.Addr) func(_, _ string, c syscall.RawConn) error {
	if a.Is6() {
		return nil
	}
	return socketOption(unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT)
}

func echo(conn net.PacketConn) error {
	buf := make([]byte, 1<<16)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return err
		}
		conn.WriteTo(buf[:n], from)
	}
}

// streams transfers octets in both directions at once.
func streams(to netip.Addr) error {
	conn, err := net.DialTimeout("tcp", netip.AddrPortFrom(to, port).String(), timeout)
	if err != nil {
		return err
	}
	return exchange(conn, client, server)
}

// exchange sends one stream and checks the other one.
func exchange(conn net.Conn, self, other byte) error {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(timeout))
	sent := make(chan error, 1)
	go func() {
		_, err := io.CopyN(conn, randomStream(self), streamLength)
		sent <- err
	}()
	got, want := sha256.New(), sha256.New()
	if n, err := io.CopyN(got, conn, streamLength); err != nil {
		return fmt.Errorf("%v: TCP after %d octets: %w", conn.RemoteAddr(), n, err)
	}
	io.CopyN(want, randomStream(other), streamLength)
	if !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
		return fmt.Errorf("%v: TCP: other octets arrived than were sent", conn.RemoteAddr())
	}
	return <-sent
}

func randomStream(seed byte) io.Reader { return rand.NewChaCha8([32]byte{seed}) }

// datagrams sends datagrams that fit, of many lengths, and some that are fragmented by a router or
// the sender. A few may be lost.
func datagrams(to netip.Addr, mtu int) error {
	dialer := net.Dialer{Control: allowFragments(to)}
	conn, err := dialer.Dial("udp", netip.AddrPortFrom(to, port).String())
	if err != nil {
		return err
	}
	defer conn.Close()
	most := mtu - families[to.Is4()].header - 8
	for _, size := range []int{0, 1, 2, 17, 100, 511, 512, 1000, 1400, most - 1, most, most + 1, most + 8, 3000, 4001, 8192} {
		data := make([]byte, size)
		io.ReadFull(randomStream(byte(size)), data)
		if err := datagram(conn, data); err != nil {
			return fmt.Errorf("%v: datagram of %d octets: %w", to, size, err)
		}
	}
	return nil
}

func datagram(conn net.Conn, data []byte) (err error) {
	buf := make([]byte, 1<<16)
	for range 10 {
		if _, err = conn.Write(data); err != nil {
			return err
		}
		conn.SetReadDeadline(time.Now().Add(2 * time.Second))
		for {
			n, failed := conn.Read(buf)
			if err = failed; err != nil {
				break
			}
			if n != len(data) {
				continue // answer to an earlier datagram
			}
			if !bytes.Equal(buf[:n], data) {
				return errors.New("other octets came back")
			}
			return nil
		}
	}
	return err
}
