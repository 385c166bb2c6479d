package datapath

import (
	"upppoe/pppoe/wire"
)

// A Frame is one Ethernet frame, from its destination address to the end of
// its payload, without preamble and frame check sequence.
type Frame struct {
	// Data holds the frame. Before BatchSize its capacity is the room there
	// is; after it, its length is that of the frame.
	Data []byte
	// ChecksumPending marks a frame whose sender, on this very machine, has
	// left the transport checksum of the IP packet inside to hardware that
	// was never there (CHECKSUM_PARTIAL over veth). Whoever passes the
	// packet on must finish it.
	ChecksumPending bool
}

// A Port is a place on an Ethernet segment where PPPoE frames come and go:
// an AF_PACKET socket (package pppoe/afpacket), a segment in memory (package
// pppoe/ethertest), or a wrapper that captures, traces or loses frames.
//
// One goroutine may read while others write; Close may be called at any time
// and makes a blocked BatchSize return.
type Port interface {
	// BatchSize waits for at least one frame, fills frames from the front
	// and returns how many. A frame longer than its buffer is not delivered.
	// The error is net.ErrClosed (wrapped) after Close; any other error means
	// that the port is lost.
	ReadBatch(frames []Frame) (int, error)
	// WriteBatch sends whole frames, in order, and returns how many went out.
	WriteBatch(frames [][]byte) (int, error)
	// Addr is the station's own address, the source of what it sends.
	Addr() wire.Addr
	// MTU is the longest payload of a frame, without the Ethernet header.
	MTU() int
	Close() error
}

// A Gatherer is a Port that sends frames which lie in memory in two pieces, headers and
// payload, so that nobody needs to put them together.
type Gatherer interface {
	Port
	// WriteGather is WriteBatch for frames in pieces, the second of which may be
	// empty.
	WriteGather(frames [][2][]byte) (int, error)
}
