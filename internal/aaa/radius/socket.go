package radius

import (
	"net"
	"net/netip"
	"sync"

	"layeh.com/radius"
)

// Socket is a UDP socket. *net.UDPConn is one.
type Socket interface {
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
	Close() error
}

func listenUDP(local netip.AddrPort) (Socket, error) {
	network := "udp6"
	if local.Addr().Is4() {
		network = "udp4"
	}
	return net.ListenUDP(network, net.UDPAddrFromAddrPort(local))
}

// idsPerSocket is how many requests can be outstanding from one port: the Identifier has one octet
// (RFC 2865 section 2.5).
const idsPerSocket = 256

// pending is a request without an answer.
type pending struct {
	authenticator [16]byte
	code          radius.Code
	answer        chan *radius.Packet // receives at most one
}

// socket is one source port for requests to one server.
type socket struct {
	server *server
	conn   Socket

	mu      sync.Mutex
	pending [idsPerSocket]*pending
	free    []uint8 // the Identifier that has been free longest is first
}

func newSocket(s *server, conn Socket) *socket {
	k := &socket{server: s, conn: conn, free: make([]uint8, idsPerSocket)}
	for i := range k.free {
		k.free[i] = uint8(i)
	}
	return k
}

// take reserves an Identifier; false: all are in use.
func (k *socket) take() (id uint8, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.free) == 0 {
		return 0, false
	}
	id, k.free = k.free[0], k.free[1:]
	return id, true
}

// wait begins to wait for the answer to a request with an Identifier that is taken.
func (k *socket) wait(id uint8, p *pending) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pending[id] = p
}

// release frees an Identifier.
func (k *socket) release(id uint8) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pending[id] = nil
	k.free = append(k.free, id)
}

// receive reads answers until the socket is closed.
func (k *socket) receive() {
	b := make([]byte, radius.MaxPacketLength+1)
	for {
		n, from, err := k.conn.ReadFromUDPAddrPort(b)
		if err != nil {
			if isClosed(err) {
				return
			}
			continue // an ICMP error of an earlier request
		}
		if err := k.accept(b[:n], from); err != nil {
			k.server.stats.drop(err)
		}
	}
}

// accept gives an answer to the request that waits for it. The error is why it is dropped: the
// request goes on waiting, as anybody can send a false answer.
func (k *socket) accept(b []byte, from netip.AddrPort) error {
	if netip.AddrPortFrom(from.Addr().Unmap(), from.Port()) != k.server.Addr {
		return ErrSource
	}
	b, err := trim(b)
	if err != nil {
		return err
	}
	k.mu.Lock()
	p := k.pending[b[1]]
	k.mu.Unlock()
	if p == nil {
		return ErrNotPending
	}
	packet, err := parseAnswer(b, p, k.server.Secret)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pending[b[1]] != p {
		return ErrNotPending
	}
	k.pending[b[1]] = nil
	p.answer <- packet
	return nil
}
