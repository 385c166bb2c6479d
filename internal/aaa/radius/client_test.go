package radius

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"upppoe/ppp/eap"
)

var (
	secret      = []byte("secret")
	first       = netip.MustParseAddrPort("192.0.2.1:1812")
	second      = netip.MustParseAddrPort("192.0.2.2:1812")
	elsewhere   = netip.MustParseAddrPort("192.0.2.3:1812")
	accessReply = radius.CodeAccessAccept
)

// datagram is a datagram from or to a server.
type datagram struct {
	server netip.AddrPort
	data   []byte
	socket *memorySocket
}

// memorySocket is a Socket in memory.
type memorySocket struct {
	network *network
	in      chan datagram
	closed  chan struct{}
	once    sync.Once
}

func (s *memorySocket) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	select {
	case d := <-s.in:
		return copy(b, d.data), d.server, nil
	case <-s.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

func (s *memorySocket) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	s.network.receive(datagram{to, append([]byte(nil), b...), s})
	return len(b), nil
}

func (s *memorySocket) Close() error { s.once.Do(func() { close(s.closed) }); return nil }

// network is where the servers are: handle is called with each request.
type network struct {
	mu      sync.Mutex
	all     []datagram
	sockets int
	handle  func(d datagram, n int) // n: how many were sent before
}

func (n *network) receive(d datagram) {
	n.mu.Lock()
	n.all = append(n.all, d)
	i, handle := len(n.all)-1, n.handle
	n.mu.Unlock()
	if handle != nil {
		handle(d, i)
	}
}

func (n *network) sent() []datagram {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.all
}

// answer returns the answer to a request, with a Message-Authenticator unless signed is false.
func answer(d datagram, code radius.Code, signed bool) []byte {
	request := [16]byte(d.data[authenticatorOffset:headerLen])
	p := &radius.Packet{Code: code, Identifier: d.data[1], Authenticator: request, Secret: secret}
	if signed {
		rfc2869.MessageAuthenticator_Set(p, make([]byte, md5.Size))
	}
	rfc2865.ReplyMessage_SetString(p, "text")
	b, _ := p.MarshalBinary()
	if signed {
		copy(b[headerLen+2:], messageAuthenticator(b, headerLen+2, request, secret))
	}
	copy(b[authenticatorOffset:], authenticatorOf(b, request, secret))
	return b
}

// reply sends an answer to a request from its server.
func reply(d datagram, b []byte) { d.socket.in <- datagram{server: d.server, data: b} }

func accept1(d datagram, _ int) { reply(d, answer(d, accessReply, true)) }

func newTestClient(t *testing.T, n *network, cfg ClientConfig) *Client {
	t.Helper()
	if cfg.Servers == nil {
		cfg.Servers = []Server{{first, secret}, {second, secret}}
	}
	cfg.Listen = func(netip.AddrPort) (Socket, error) {
		n.mu.Lock()
		n.sockets++
		n.mu.Unlock()
		return &memorySocket{network: n, in: make(chan datagram, 4096), closed: make(chan struct{})}, nil
	}
	c, err := NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func access(secret []byte) (*radius.Packet, error) {
	p := radius.New(radius.CodeAccessRequest, secret)
	rfc2865.UserName_SetString(p, "alice")
	return p, nil
}

// TestDroppedAnswers: an answer that is not what it must be is dropped and counted, and the request
// waits for the right one.
func TestDroppedAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		why  error
		send func(d datagram)
	}{
		"no Message-Authenticator": {ErrNoMessageAuthenticator, func(d datagram) { reply(d, answer(d, accessReply, false)) }},
		"wrong Message-Authenticator": {ErrMessageAuthenticator, func(d datagram) {
			b := answer(d, accessReply, true)
			b[headerLen+2]++
			copy(b[authenticatorOffset:], authenticatorOf(b, [16]byte(d.data[authenticatorOffset:headerLen]), secret))
			reply(d, b)
		}},
		"two Message-Authenticators": {ErrLength, func(d datagram) {
			b := answer(d, accessReply, true)
			b = append(b, b[headerLen:headerLen+18]...)
			binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
			copy(b[authenticatorOffset:], authenticatorOf(b, [16]byte(d.data[authenticatorOffset:headerLen]), secret))
			reply(d, b)
		}},
		"wrong authenticator": {ErrAuthenticator, func(d datagram) {
			b := answer(d, accessReply, true)
			b[authenticatorOffset]++
			reply(d, b)
		}},
		"another address": {ErrSource, func(d datagram) { d.socket.in <- datagram{server: elsewhere, data: answer(d, accessReply, true)} }},
		"another port": {ErrSource, func(d datagram) {
			d.socket.in <- datagram{server: netip.AddrPortFrom(first.Addr(), 1813), data: answer(d, accessReply, true)}
		}},
		"the other server": {ErrSource, func(d datagram) { d.socket.in <- datagram{server: second, data: answer(d, accessReply, true)} }},
		"another Identifier": {ErrNotPending, func(d datagram) {
			b := answer(d, accessReply, true)
			b[1]++
			reply(d, b)
		}},
		"a request":     {ErrCode, func(d datagram) { reply(d, d.data) }},
		"short":         {ErrLength, func(d datagram) { reply(d, answer(d, accessReply, true)[:19]) }},
		"cut":           {ErrLength, func(d datagram) { b := answer(d, accessReply, true); reply(d, b[:len(b)-1]) }},
		"of accounting": {ErrCode, func(d datagram) { reply(d, answer(d, radius.CodeAccountingResponse, true)) }},
		"wrong attribute": {ErrLength, func(d datagram) {
			b := answer(d, accessReply, true)
			b[headerLen+19] = 1
			copy(b[authenticatorOffset:], authenticatorOf(b, [16]byte(d.data[authenticatorOffset:headerLen]), secret))
			reply(d, b)
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := &network{handle: func(d datagram, i int) {
				if c.send(d); i > 0 {
					reply(d, append(answer(d, accessReply, true), 0, 0)) // with padding
				}
			}}
			client := newTestClient(t, n, ClientConfig{Servers: []Server{{first, secret}}})
			defer client.Close()
			packet, err := client.Exchange(t.Context(), access)
			if err != nil || packet.Code != accessReply {
				t.Errorf("%s: %v", name, err)
			}
			s := client.Stats().Servers[0]
			if s.Drops[c.why] != 2 || len(s.Drops) != 1 || s.Answers != 1 || s.Retransmitted != 1 {
				t.Errorf("%s: %+v", name, s)
			}
		})
	}
}

// TestLateAndDoubledAnswers: an answer after the last transmission's time, and a second answer, are
// dropped and counted, and disturb no other request.
func TestLateAndDoubledAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{}
		client := newTestClient(t, n, ClientConfig{Servers: []Server{{first, secret}}, Transmissions: 2})
		defer client.Close()
		if _, err := client.Exchange(t.Context(), access); !errors.Is(err, ErrNoAnswer) {
			t.Fatal(err)
		}
		sent := n.sent()
		if len(sent) != 2 || string(sent[0].data) != string(sent[1].data) {
			t.Fatalf("%d transmissions, want two that are equal", len(sent))
		}
		accept1(sent[0], 0)
		synctest.Wait()
		n.handle = func(d datagram, i int) { accept1(d, i); accept1(d, i) }
		if _, err := client.Exchange(t.Context(), access); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s := client.Stats().Servers[0]; s.Drops[ErrNotPending] != 2 || s.Answers != 1 || s.Dead {
			t.Errorf("%+v", s)
		}
	})
}

// TestMessageAuthenticatorIsFirst: a request's first attribute is a right Message-Authenticator.
func TestMessageAuthenticatorIsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{handle: accept1}
		client := newTestClient(t, n, ClientConfig{})
		defer client.Close()
		if _, err := client.Exchange(t.Context(), access); err != nil {
			t.Fatal(err)
		}
		b := n.sent()[0].data
		if at, err := messageAuthenticatorAt(b); at != headerLen+2 || err != nil {
			t.Errorf("at %d: %v", at, err)
		}
		if err := checkMessageAuthenticator(b, [16]byte(b[authenticatorOffset:headerLen]), secret, true); err != nil {
			t.Error(err)
		}
	})
}

// TestFailOver: a server that does not answer costs its time-out once; then the next one is asked at
// once, until the dead time has passed and a request tests the first.
func TestFailOver(t *testing.T) {
	for _, status := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var up atomic.Bool
			n := &network{}
			n.handle = func(d datagram, i int) {
				if d.server == second || up.Load() {
					accept1(d, i)
				}
			}
			client := newTestClient(t, n, ClientConfig{StatusServer: status, DeadTime: time.Minute})
			defer client.Close()
			took := func() time.Duration {
				begin := time.Now()
				if _, err := client.Exchange(t.Context(), access); err != nil {
					t.Error(err)
				}
				return time.Since(begin)
			}
			if d := took(); d != 7*time.Second { // 1 + 2 + 4
				t.Errorf("the first request took %v", d)
			}
			if d := took(); d != 0 {
				t.Errorf("the next request took %v", d)
			}
			time.Sleep(time.Minute)
			want := time.Second
			if status {
				want = 0
			}
			if d := took(); d != want {
				t.Errorf("with Status-Server %v: the test took %v, want %v", status, d, want)
			}
			if d := took(); d != 0 {
				t.Errorf("after the test, a request took %v", d)
			}
			synctest.Wait()
			up.Store(true)
			time.Sleep(2 * time.Minute)
			took()
			synctest.Wait()
			if s := client.Stats(); s.Servers[0].Dead || s.Servers[1].Dead {
				t.Errorf("%+v", s)
			}
			before := len(n.sent())
			took()
			if d := n.sent()[before]; d.server != first {
				t.Errorf("a request goes to %v", d.server)
			}
		})
	}
}

// TestAllDead: if no server answers, all are tried.
func TestAllDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{}
		client := newTestClient(t, n, ClientConfig{})
		defer client.Close()
		for range 2 {
			before := len(n.sent())
			if _, err := client.Exchange(t.Context(), access); !errors.Is(err, ErrNoAnswer) {
				t.Error(err)
			}
			servers := map[netip.AddrPort]bool{}
			for _, d := range n.sent()[before:] {
				servers[d.server] = true
			}
			if len(servers) != 2 {
				t.Errorf("tried %v", servers)
			}
		}
	})
}

// TestManyOutstanding: more requests than Identifiers use more ports; more than the limit wait, and more
// than the queue has room for are refused.
func TestManyOutstanding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{}
		client := newTestClient(t, n, ClientConfig{Servers: []Server{{first, secret}}, MaxOutstanding: 600, MaxQueued: 100, Transmissions: 1, Timeout: time.Minute})
		defer client.Close()
		results := make(chan error, 800)
		for range 800 {
			go func() {
				_, err := client.Exchange(t.Context(), access)
				results <- err
			}()
		}
		synctest.Wait()
		if s := client.Stats(); s.Outstanding != 600 || s.Queued != 100 || s.Busy != 100 || len(n.sent()) != 600 || n.sockets != 3 {
			t.Errorf("%+v; %d sent by %d sockets", s, len(n.sent()), n.sockets)
		}
		n.handle = accept1
		for _, d := range n.sent() {
			accept1(d, 0)
		}
		busy := 0
		for range 800 {
			if err := <-results; errors.Is(err, ErrBusy) {
				busy++
			} else if err != nil {
				t.Error(err)
			}
		}
		if busy != 100 {
			t.Errorf("%d are refused", busy)
		}
		if s := client.Stats(); s.Outstanding != 0 || s.Queued != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestEAPFragments: an EAP packet longer than an attribute is in several, one after the other.
func TestEAPFragments(t *testing.T) {
	packet := bytes.Repeat([]byte{1, 2, 3, 4}, 300)
	p := radius.New(radius.CodeAccessRequest, secret)
	if err := addCredential(p, eap.Relayed{Packet: packet, State: []byte("state")}); err != nil {
		t.Fatal(err)
	}
	var got []byte
	parts := 0
	for _, a := range p.Attributes {
		if a.Type == rfc2869.EAPMessage_Type {
			got, parts = append(got, a.Attribute...), parts+1
		}
	}
	if !bytes.Equal(got, packet) || parts != 5 || rfc2865.State_GetString(p) != "state" {
		t.Errorf("%d parts, %d octets", parts, len(got))
	}
}

// TestConfigErrors: the error names the field.
func TestConfigErrors(t *testing.T) {
	for name, cfg := range map[string]ClientConfig{
		"no servers": {}, "no secret": {Servers: []Server{{Addr: first}}}, "no port": {Servers: []Server{{netip.AddrPortFrom(first.Addr(), 0), secret}}},
		"timeout": {Servers: []Server{{first, secret}}, Timeout: -1}, "outstanding": {Servers: []Server{{first, secret}}, MaxOutstanding: 1 << 20},
		"source": {Servers: []Server{{first, secret}}, Source: netip.MustParseAddr("2001:db8::1")},
	} {
		if _, err := NewClient(cfg); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewClient(ClientConfig{Servers: []Server{{first, secret}}}); err != nil {
		t.Error(err)
	}
}
