package explain_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"upppoe/internal/capture/explain"
)

// streamed returns a packet of RouterOS's stream with a frame: Ethernet, IPv4, UDP to port 37008, TZSP.
func streamed(frame []byte) []byte {
	b := append(bytes.Repeat([]byte{2}, 12), 8, 0, 0x45, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(20+8+5+len(frame)))
	b = append(b, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 0x90, 0x90, 0x90, 0x90)
	b = binary.BigEndian.AppendUint16(b, uint16(8+5+len(frame)))
	return append(append(b, 0, 0, 1, 0, 0, 1, 1), frame...)
}

// TestStreamedSession: a session in a TZSP stream is explained like one that was captured itself.
func TestStreamedSession(t *testing.T) {
	plain, stream := newScenario(), newScenario()
	plain.up()
	stream.up()
	for i := range stream.frames {
		stream.frames[i].frame = streamed(stream.frames[i].frame)
	}
	r := explained(t, "stream", stream.pcap(t), explain.Options{})
	contains(t, r, "18 packets of PPPoE are from a TZSP stream")
	if want := explained(t, "stream", plain.pcap(t), explain.Options{}); len(r.Sessions) != 1 || len(r.Sessions[0].Events) != len(want.Sessions[0].Events) {
		t.Errorf("%s\nwant\n%s", textOf(t, r), textOf(t, want))
	}
}
