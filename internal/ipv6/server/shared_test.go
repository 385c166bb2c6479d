package server

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"upppoe/internal/ipv6/assign"
	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/netif"
	"upppoe/internal/ipv6/radv"
	"upppoe/internal/ipv6/shared"
	"upppoe/ppp/ipv6cp"
)

// sharedService is package shared with one session, which is given what a session of this package
// is given.
type sharedService struct {
	*shared.Service[int]
	state   assign.State
	payload [][]byte // of what is sent
}

func startShared(t *testing.T, cfg *Config, turn *atomic.Int32) *sharedService {
	s := &sharedService{}
	var err error
	s.Service, err = shared.New(shared.Config[int]{
		Config: cfg.Config, Log: cfg.Log,
		Send: func(_ int, p []byte) {
			turn.Load()
			s.payload = append(s.payload, bytes.Clone(p[40:]))
		},
		Assigned: func(_ int, state, _ assign.State) {
			turn.Load()
			s.state = state
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	t.Cleanup(func() { stop(); <-done })
	if err := s.Up(1, shared.Link{Local: ipv6cp.ID{7: 1}, Remote: ipv6cp.ID{7: 2}, Subscriber: cfg.Key, MTU: cfg.MTU}); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return s
}

// receive passes a message behind headers with the right checksum.
func (s *sharedService) receive(next, hopLimit byte, to netip.Addr, checksum int, payload []byte) {
	from, dest := peer.As16(), to.As16()
	pseudo := append(append(append([]byte{}, from[:]...), dest[:]...), 0, 0, 0, 0, 0, 0, 0, next)
	binary.BigEndian.PutUint32(pseudo[32:], uint32(len(payload)))
	total := uint32(0)
	for i, c := range append(append(pseudo, payload...), 0)[:40+(len(payload)+1)&^1] {
		total += uint32(c) << (8 * (1 - i%2))
	}
	total = total&0xffff + total>>16
	total = total&0xffff + total>>16
	binary.BigEndian.PutUint16(payload[checksum:], ^uint16(total))
	p := append([]byte{0x60, 0, 0, 0, byte(len(payload) >> 8), byte(len(payload)), next, hopLimit}, from[:]...)
	s.Receive(1, append(append(p, dest[:]...), payload...))
}

// TestSharedAnswersAlike: package shared answers with the same octets as this package, and assigns
// the same, whatever a client sends and however much time passes.
func TestSharedAnswersAlike(t *testing.T) {
	replies := 0
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			change := func(c *Config) {
				c.Preferred, c.Valid, c.Interval, c.MTU = time.Hour, 2*time.Hour, 10*time.Minute, 1492
				if seed%4 == 0 {
					c.Addresses = newPool(t, "2001:db8:2::/128", 128)
					c.Addresses.Allocate("another")
				}
			}
			w := start(t, func(w *fakeNetwork) { change(&w.cfg) })
			other := testConfig(t)
			change(&other)
			s := startShared(t, &other, &w.Turn)
			for range 60 {
				w.Advance(time.Duration(r.Int64N(int64([]time.Duration{time.Second, time.Minute, 3 * time.Hour}[r.IntN(3)]))).Truncate(time.Millisecond))
				s.payload, w.replies, w.advertised = nil, nil, nil
				if r.IntN(4) == 0 {
					w.compareAdvertisement(s)
				} else {
					w.compareReply(s, randomMessage(r))
					replies += len(w.replies)
				}
				if w.Last() != s.state {
					t.Fatalf("seed %d: assigned %v, want %v", seed, s.state, w.Last())
				}
			}
			w.End(ErrLinkGone)
		})
	}
	if replies < 300 {
		t.Errorf("only %d messages are answered", replies)
	}
}

func (w *fakeNetwork) compareAdvertisement(s *sharedService) {
	w.T.Helper()
	solicit := []byte{133, 0, 0, 0, 0, 0, 0, 0}
	w.Packets <- netif.Packet{Packet: radv.Packet{Data: solicit, Source: peer, HopLimit: 255}}
	s.receive(58, 255, radv.AllRouters, 2, bytes.Clone(solicit))
	w.Advance(time.Second)
	if len(w.advertised) == 0 || len(s.payload) == 0 {
		w.T.Fatalf("%d and %d advertisements", len(w.advertised), len(s.payload))
	}
	got := s.payload[len(s.payload)-1]
	got[2], got[3] = 0, 0
	if want := w.advertised[len(w.advertised)-1].Data; !bytes.Equal(got, want) {
		w.T.Fatalf("advertised % x, want % x", got, want)
	}
}

func (w *fakeNetwork) compareReply(s *sharedService, message []byte) {
	w.T.Helper()
	w.Datagrams <- netif.Datagram{Data: message, Peer: netip.AddrPortFrom(peer, dhcp6.ClientPort)}
	udp := []byte{2, 34, 2, 35, byte((8 + len(message)) >> 8), byte(8 + len(message)), 0, 0}
	s.receive(17, 1, dhcp6.AllRelayAgentsAndServers, 6, append(udp, message...))
	synctest.Wait()
	var want, got []byte
	for _, d := range w.replies {
		want = append(want, d.Data...)
	}
	for _, p := range s.payload {
		if p[0] == 2 { // from port 547
			got = append(got, p[8:]...)
		}
	}
	if !bytes.Equal(got, want) {
		w.T.Fatalf("% x is answered % x, want % x", message, got, want)
	}
}

// randomMessage makes a message of two clients, well-formed or not.
func randomMessage(r *rand.Rand) []byte {
	kinds := []dhcpv6.MessageType{1, 3, 3, 4, 5, 5, 6, 8, 9, 11, 7}
	m := &dhcpv6.Message{MessageType: kinds[r.IntN(len(kinds))], TransactionID: dhcpv6.TransactionID{byte(r.Uint32())}}
	add := func(of int, o dhcpv6.Option) {
		if r.IntN(of) > 0 {
			m.AddOption(o)
		}
	}
	generic := func(code dhcpv6.OptionCode, data ...byte) dhcpv6.Option {
		return &dhcpv6.OptionGeneric{OptionCode: code, OptionData: data}
	}
	add(20, generic(dhcpv6.OptionClientID, 0, 3, 0, 1, byte(r.IntN(2))))
	if m.MessageType != 1 && m.MessageType != 4 && m.MessageType != 6 {
		add(20, generic(dhcpv6.OptionServerID, 0, 3, 0, 1, 1))
	}
	add(2, generic(dhcpv6.OptionRapidCommit))
	for range r.IntN(3) {
		address := &dhcpv6.OptIAAddress{IPv6Addr: netip.MustParseAddr(fmt.Sprintf("2001:db8:2::%d", r.IntN(3))).AsSlice()}
		add(3, &dhcpv6.OptIANA{IaId: [4]byte{byte(r.IntN(2))}, Options: dhcpv6.IdentityOptions{Options: dhcpv6.Options{address}}})
		add(3, &dhcpv6.OptIAPD{IaId: [4]byte{byte(r.IntN(2))}})
	}
	b := m.ToBytes()
	if r.IntN(10) == 0 {
		b = b[:r.IntN(len(b))]
	}
	return b
}
