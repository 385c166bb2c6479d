package afpacket_test

import (
	"testing"

	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/wire"
)

// batch is the number of frames that the data path moves at once.
const batch = 64

// BenchmarkSend measures sending a full frame over a veth pair, in batches, without a receiving
// socket.
func BenchmarkSend(b *testing.B) {
	w := newWire(b)
	sending(b, w.port(w.near, "near", wire.EtherTypeSession))
}

// BenchmarkSendTagged is BenchmarkSend in a VLAN, where sockets receive all ethertypes.
func BenchmarkSendTagged(b *testing.B) {
	w := newWire(b)
	a := afpacket.Attachment{Interface: "near", VLAN: stack(b, "50")}
	w.on(w.near, a, wire.EtherTypeDiscovery)
	sending(b, w.on(w.near, a, wire.EtherTypeSession))
}

func sending(b *testing.B, from *afpacket.Port) {
	send := batches(b, from, other)
	b.SetBytes(14 + 1500)
	b.ReportAllocs()
	for sent := 0; sent < b.N; sent += batch {
		send()
	}
}

// BenchmarkReceive measures receiving such frames from a socket.
func BenchmarkReceive(b *testing.B) {
	w := newWire(b)
	send := batches(b, w.port(w.near, "near", wire.EtherTypeSession), far)
	to := w.port(w.far, "far", wire.EtherTypeSession)
	const queued = 16 * batch // for which the socket has room
	room := buffers(batch, 1514)
	b.SetBytes(14 + 1500)
	b.ReportAllocs()
	for received := 0; received < b.N; received += queued {
		b.StopTimer()
		for range queued / batch {
			send()
		}
		b.StartTimer()
		for got := 0; got < queued; {
			n, err := to.ReadBatch(room)
			if err != nil {
				b.Fatal(err)
			}
			got += n
		}
	}
}

// batches sends a batch of frames, headers and payload apart, as the data path does.
func batches(b *testing.B, from *afpacket.Port, to wire.Addr) func() {
	var frames [batch][2][]byte
	whole := frame(to, near, wire.EtherTypeSession, string(make([]byte, 1500)))
	for i := range frames {
		frames[i] = [2][]byte{whole[:74], whole[74:]}
	}
	return func() {
		if n, err := from.WriteGather(frames[:]); n != batch {
			b.Fatal(err)
		}
	}
}
