package datapath

import (
	"upppoe/pppoe/wire"
)

// Frame is one Ethernet frame, from its destination address to the end of its payload, without
// preamble and frame check sequence.
type Frame struct {
	// Data is, before ReadBatch, a buffer whose full capacity may be used; afterwards, the frame.
	Data []byte
	// ChecksumPending marks a frame whose sender, on this machine, has left the transport checksum
	// of the IP packet inside to hardware that does not exist (CHECKSUM_PARTIAL over veth).
	// Complete it before the packet is passed on.
	ChecksumPending bool
}

// Port sends and receives the frames of one ethertype on an Ethernet segment: an AF_PACKET socket
// (package pppoe/afpacket), a segment in memory (package pppoe/ethertest), or a wrapper that
// captures, traces or loses frames.
//
// One goroutine may read while others write; Close may be called at any time and makes a blocked
// ReadBatch return.
type Port interface {
	// ReadBatch waits for at least one frame, fills frames from the front and returns the number of
	// frames. A frame longer than its buffer is not delivered. The error wraps net.ErrClosed after
	// Close; any other error means that the port is lost.
	ReadBatch(frames []Frame) (int, error)
	// WriteBatch sends whole frames, in order, and returns the number of frames sent.
	WriteBatch(frames [][]byte) (int, error)
	// Addr is the port's own address, the source address of the frames that it sends.
	Addr() wire.Addr
	// MTU is the longest payload of a frame, in octets, without the Ethernet header.
	MTU() int
	Close() error
}

// Gatherer is a Port that sends frames from two pieces of memory, headers and payload, without a
// copy.
type Gatherer interface {
	Port
	// WriteGather is WriteBatch for frames in two pieces; the second may be empty.
	WriteGather(frames [][2][]byte) (int, error)
}
