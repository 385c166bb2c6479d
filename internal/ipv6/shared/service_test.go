package shared

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/mdlayher/ndp"

	"upppoe/internal/ipv6/assign"
	"upppoe/internal/ipv6/dhcp6"
)

// running is a service in virtual time, and what it has done.
type running struct {
	*Service[int]
	log    bytes.Buffer
	mu     sync.Mutex
	sent   []sent
	states []assign.State
	stop   context.CancelFunc
	done   chan struct{}
}

// run starts a service. It must be called in a synctest bubble.
func run(t *testing.T, cfg assign.Config) *running {
	r := &running{done: make(chan struct{})}
	var err error
	r.Service, err = New(Config[int]{
		Config: cfg, Log: slog.New(slog.NewTextHandler(&r.log, nil)),
		Send: func(key int, packet []byte) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.sent = append(r.sent, sent{key, bytes.Clone(packet)})
		},
		Assigned: func(_ int, state, _ assign.State) { r.states = append(r.states, state) },
	})
	if err != nil {
		t.Fatal(err)
	}
	var ctx context.Context
	ctx, r.stop = context.WithCancel(t.Context())
	go func() {
		defer close(r.done)
		r.Run(ctx)
	}()
	t.Cleanup(func() { r.stop(); <-r.done })
	return r
}

// take lets the service work, and returns what it has sent since the last call.
func (r *running) take() []sent {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.sent
	r.sent = nil
	return all
}

// TestService: advertisements at their times, answers, and silence after Down.
func TestService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, pools(t))
		if err := r.Up(1, link()); err != nil {
			t.Fatal(err)
		}
		if all := r.take(); len(all) != 1 || all[0].key != 1 || r.Stats().Sessions != 1 {
			t.Fatalf("%d packets are sent, %+v", len(all), r.Stats())
		}
		time.Sleep(40 * time.Second)
		if n := len(r.take()); n != 2 {
			t.Errorf("%d advertisements in 40 s", n)
		}
		r.Receive(1, datagram(peer, dhcp6.AllRelayAgentsAndServers, clientMessage(dhcpv6.MessageTypeRequest, &dhcpv6.OptIAPD{})))
		if n := len(r.take()); n != 1 || len(r.states) != 2 || r.states[1].Delegated != pfx("2001:db8:100::/56") {
			t.Errorf("%d replies, reported %v", n, r.states)
		}
		r.Receive(1, solicitation(t))
		if n := len(r.take()); n != 0 {
			t.Error("a solicitation is answered without delay")
		}
		time.Sleep(500 * time.Millisecond)
		if n := len(r.take()); n != 1 {
			t.Errorf("%d answers to a solicitation", n)
		}
		r.Receive(1, icmp(peer, ours, []byte{1, 2, 0, 0}))
		r.Down(1)
		r.Receive(1, solicitation(t))
		time.Sleep(time.Hour)
		if n := len(r.take()); n != 0 {
			t.Errorf("%d packets are sent after Down", n)
		}
		s := r.Stats()
		if s.Sessions != 0 || s.Received != 2 || s.Sent != 5 || s.Drops[ErrNoSession] != 2 || len(s.Drops) != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// TestFinal: the last advertisement is one of a router that is no default router any more.
func TestFinal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, pools(t))
		p := parseSent(t, r.Final(link().Local))
		m, err := ndp.ParseMessage(p.Payload)
		ra, ok := m.(*ndp.RouterAdvertisement)
		if err != nil || !ok || p.Source != ours || p.Destination != allNodes || ra.RouterLifetime != 0 || !ra.ManagedConfiguration {
			t.Errorf("%+v from %v to %v, %v", m, p.Source, p.Destination, err)
		}
		if again := parseSent(t, r.Final(link().Local)); !bytes.Equal(again.Payload, p.Payload) {
			t.Errorf("the next one is % x", again.Payload)
		}
	})
}

// TestServiceDrops: drops are counted by reason, also those whose error has details.
func TestServiceDrops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, pools(t))
		r.Up(1, link())
		bad := solicitation(t)
		bad[7] = 64
		for _, p := range [][]byte{bad, nil, make([]byte, maxPacket+1), datagram(peer, dhcp6.AllRelayAgentsAndServers, []byte{0, 1})} {
			r.Receive(1, p)
		}
		r.take()
		drops := r.Stats().Drops
		for text, want := range map[string]uint64{
			"hop limit is not 255: it may come from off the link": 1, "truncated IPv6 packet": 1, "packet is too large": 1, "malformed DHCPv6 message": 1,
		} {
			found := false
			for reason, n := range drops {
				found = found || reason.Error() == text && n == want
			}
			if !found {
				t.Errorf("%q is not counted %d times: %v", text, want, drops)
			}
		}
	})
}

// TestExhaustedWarned: an exhausted pool is a warning a minute, however many sessions there are.
func TestExhaustedWarned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, pools(t))
		for key := range 100 {
			l := link()
			l.Subscriber = fmt.Sprint(key)
			r.Up(key, l)
		}
		if r.take(); r.Stats().Exhausted != 99 {
			t.Errorf("%+v", r.Stats())
		}
		warning := "IPv6 on the shared device: address pool exhausted: 2001:db8:1::/64 in /64"
		if n := strings.Count(r.log.String(), warning); n != 1 {
			t.Errorf("%d warnings: %s", n, &r.log)
		}
		time.Sleep(2 * time.Minute)
		r.Up(200, link())
		if r.take(); strings.Count(r.log.String(), warning) != 2 {
			t.Errorf("later: %s", &r.log)
		}
	})
}

// TestUpRefused: a link that cannot be served is an error, and adds nothing.
func TestUpRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, pools(t))
		l := link()
		l.MTU = 100
		if err := r.Up(1, l); !errors.Is(err, ErrLink) || len(r.take()) > 0 || r.Stats().Sessions != 0 {
			t.Errorf("%v, %+v", err, r.Stats())
		}
	})
}

// TestInbox: a session has a share of the queue, the queue is bounded, and changes are never
// dropped: the last of each session is kept, in the order of the first.
func TestInbox(t *testing.T) {
	in := newInbox[int]()
	for range maxQueuedShare {
		if err := in.put(1, make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
	}
	if err := in.put(1, nil); !errors.Is(err, ErrQueueShare) {
		t.Error(err)
	}
	var err error
	n := maxQueuedShare
	for key := 2; err == nil; key++ {
		if err = in.put(key, make([]byte, 100)); err == nil {
			n++
		}
	}
	if want := maxQueuedOctets / (100 + queueOverhead); !errors.Is(err, ErrQueueFull) || n != want {
		t.Errorf("%d packets are queued, want %d: %v", n, want, err)
	}
	a, b := link(), link()
	for range 1000 {
		in.change(2, &a)
		in.change(1, nil)
		in.change(2, nil)
		in.change(2, &b)
	}
	w := in.take()
	if len(w.packets) != n || fmt.Sprint(w.keys) != "[2 1]" || w.changes[2] != &b || w.changes[1] != nil {
		t.Errorf("%d packets, changes %v of %v", len(w.packets), w.changes, w.keys)
	}
	if w := in.take(); len(w.packets)+len(w.keys) > 0 {
		t.Errorf("after take there is %+v", w)
	}
	for range 2 * maxQueuedOctets / maxPacket {
		if err := in.put(1, make([]byte, maxPacket)); err != nil || len(in.take().packets) != 1 {
			t.Fatalf("after take the queue is not empty: %v", err)
		}
	}
}

// TestFlood: while one session floods the queue, others are answered.
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, pools(t))
		r.Up(1, link())
		r.Up(2, link())
		r.take()
		for range 10000 {
			r.Receive(1, solicitation(t))
		}
		r.Receive(2, datagram(peer, dhcp6.AllRelayAgentsAndServers, clientMessage(dhcpv6.MessageTypeSolicit)))
		if all := r.take(); len(all) != 1 || all[0].key != 2 {
			t.Errorf("sent %v", all)
		}
	})
}

// TestIsLinkScope: both sides of each bound.
func TestIsLinkScope(t *testing.T) {
	for to, want := range map[string]bool{
		"fe80::1": true, "febf::1": true, "fec0::1": false, "fe7f::1": false, "ff01::1": true, "ff02::2": true, "ff02::1:2": true, "ff12::2": true,
		"ff03::1": false, "ff05::1:3": false, "ff0e::1": false, "ff00::1": true, "2001:db8::1": false, "::1": false,
	} {
		p := icmp(peer, addr(to), make([]byte, 8))
		if got := IsLinkScope(p); got != want {
			t.Errorf("%s: %v", to, got)
		}
		if p[0] = 4 << 4; IsLinkScope(p) || IsLinkScope(p[:39]) {
			t.Errorf("%s: IPv4, or a truncated packet, has link-local scope", to)
		}
	}
}
