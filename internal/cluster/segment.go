package cluster

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/mdlayher/packet"
)

// Segment carries messages between the machines of a cluster, unreliably.
type Segment interface {
	// Send sends a message to all other machines.
	Send(message []byte) error
	// Receive waits for a message, of anybody. The error wraps net.ErrClosed after Close.
	Receive(buffer []byte) (int, error)
	Close() error
}

// etherType is that of local experiments (IEEE 802 section 9.2.4, number 1).
const etherType = 0x88b5

// Ethernet is a Segment of frames with the local experimental ethertype 0x88b5, which the machines send
// from their own addresses, not from that of the access concentrator.
type Ethernet struct {
	name string
	mu   sync.Mutex // guards conn, which is replaced when the interface is lost
	conn *packet.Conn
	done bool
}

// OpenEthernet opens the segment of an interface. It needs CAP_NET_RAW.
func OpenEthernet(name string) (*Ethernet, error) {
	e := &Ethernet{name: name}
	_, err := e.open()
	return e, err
}

// open returns the socket, which is opened if it is not open.
func (e *Ethernet) open() (*packet.Conn, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.done:
		return nil, net.ErrClosed
	case e.conn != nil:
		return e.conn, nil
	}
	i, err := net.InterfaceByName(e.name)
	if err == nil {
		e.conn, err = packet.Listen(i, packet.Datagram, etherType, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: open a socket for messages between the machines: %w", e.name, err)
	}
	return e.conn, nil
}

// lost closes a socket that has failed; the next call opens another.
func (e *Ethernet) lost(conn *packet.Conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.conn == conn {
		e.conn = nil
		conn.Close()
	}
}

// Send implements Segment.
func (e *Ethernet) Send(message []byte) error {
	conn, err := e.open()
	if err != nil {
		return err
	}
	_, err = conn.WriteTo(message, &packet.Addr{HardwareAddr: net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}})
	return err
}

// Receive implements Segment.
func (e *Ethernet) Receive(buffer []byte) (int, error) {
	conn, err := e.open()
	if err != nil {
		return 0, err
	}
	n, _, err := conn.ReadFrom(buffer)
	if err != nil {
		e.lost(conn)
	}
	return n, err
}

// Close makes a blocked Receive return.
func (e *Ethernet) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.done = true
	if e.conn == nil {
		return nil
	}
	return e.conn.Close()
}

// Kinds of messages.
const (
	question = 1 // for consent
	answer   = 2 // of one that consents
)

// message is what machines send each other: a question of one machine, or the answer of another. The nonce
// of an answer is that of its question.
type message struct {
	kind  byte
	from  string
	nonce [16]byte
}

// errMessage is the error of a message that is of no machine of this cluster.
var errMessage = errors.New("not a message of this cluster")

const (
	messageVersion = 1
	macLen         = sha256.Size
	maxMessage     = 2 + len(message{}.nonce) + maxName + macLen
)

// appendTo encodes a message: a version, the kind, the nonce, the name of the sender, and HMAC-SHA256 of
// these.
func (m message) appendTo(b, secret []byte) []byte {
	begin := len(b)
	b = append(b, messageVersion, m.kind)
	b = append(b, m.nonce[:]...)
	b = append(b, m.from...)
	return mac(b, b[begin:], secret)
}

func mac(to, of, secret []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write(of)
	return h.Sum(to)
}

// parseMessage decodes and authenticates a message, without what pads the frame: length octets of it are
// the message, of which the frame has no field. So the name is looked for among the machines.
func parseMessage(b, secret []byte, machines []string) (message, error) {
	const head = 2 + len(message{}.nonce)
	for _, name := range machines {
		end := head + len(name)
		if len(b) < end+macLen || string(b[head:end]) != name || b[0] != messageVersion {
			continue
		}
		if hmac.Equal(mac(nil, b[:end], secret), b[end:end+macLen]) {
			return message{b[1], name, [16]byte(b[2:head])}, nil
		}
	}
	return message{}, errMessage
}
