package pppoe_test

import (
	"bytes"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
	"upppoe/tun"
)

// keptOffload is an Offload that still has all sessions of an earlier process, and carries nothing.
type keptOffload struct{}

var _ datapath.Adopter = keptOffload{}

func (keptOffload) Adopts(datapath.SessionConfig) bool { return true }
func (keptOffload) Add(datapath.SessionConfig) (datapath.OffloadSession, error) {
	return idleOffload{}, nil
}
func (keptOffload) Describe() string { return "as before" }

type idleOffload struct{ datapath.OffloadSession }

func (idleOffload) SetFamilies(_, _ bool)                        {}
func (idleOffload) SetSourceFilter(*datapath.SourceFilter) error { return nil }
func (idleOffload) SetRates(_, _ datapath.Rate)                  {}
func (idleOffload) Counters() datapath.Counters                  { return datapath.Counters{} }
func (idleOffload) Remove() datapath.Counters                    { return datapath.Counters{} }

// gatedHost is a host whose methods block until a gate is open.
type gatedHost struct {
	*host
	opens, configures chan struct{} // closed when Open and Configure may return
}

func newGatedHost(h *host) gatedHost {
	return gatedHost{h, make(chan struct{}), make(chan struct{})}
}

func (h gatedHost) Open(l pppoe.SessionInfo) (tun.Device, error) {
	<-h.opens
	return h.host.Open(l)
}

func (h gatedHost) Configure(l pppoe.SessionInfo, have, want pppoe.Addressing) error {
	<-h.configures
	return h.host.Configure(l, have, want)
}

// bySession returns the events of each session, by its generation.
func (j *eventLog) bySession() map[uint64][]pppoe.Event {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := make(map[uint64][]pppoe.Event)
	for i, e := range j.events {
		all[j.infos[i].Generation] = append(all[j.infos[i].Generation], e)
	}
	return all
}

// kinds returns the types of events.
func kinds(events []pppoe.Event) (all []string) {
	for _, e := range events {
		all = append(all, reflect.TypeOf(e).Name())
	}
	return all
}

// TestAdoptedIsFirst: whatever the offload reports while the devices of many adopted sessions are opened and
// configured, the first event of each is Adopted, with its addresses, and it is not configured again.
func TestAdoptedIsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 50 // more than are opened at a time
		stored := storedSessions(t, n)
		l := newLab(t, ethertest.Config{})
		l.server = adoptBenchConfig(n)
		network := newGatedHost(l.serverHost)
		l.server.Network, l.server.Notify, l.server.Store = network, l.serverEvents.record, &memoryStore{}
		ports := l.segment.Ports(serverAddr)
		ports.Offload = keptOffload{}
		s := l.startServerOn(ports)
		if report := s.Adopt(maps.Values(stored)); report.Adopted != n {
			t.Fatalf("%d were adopted", report.Adopted)
		}
		close(network.opens)
		synctest.Wait()
		if early := l.serverEvents.bySession(); len(early) > 0 {
			t.Errorf("before the first is configured, there are events of %d sessions", len(early))
		}
		close(network.configures)
		synctest.Wait()
		events := l.serverEvents.bySession()
		for generation := range stored {
			of := events[generation]
			if got := kinds(of); !slices.Equal(got, []string{"Adopted", "Offloaded"}) {
				t.Errorf("session %d has the events %v", generation, got)
			} else if is := of[0].(pppoe.Adopted); is.IPv4.Remote != l.server.Pool.Address(int(generation-1)) || !is.HasIPv6() || is.Counters.SentPackets != 5 {
				t.Errorf("session %d is adopted with %+v", generation, is)
			}
		}
		l.stopServer()
		l.running.Wait()
	})
}

// lost is the first events of a session that ends, after Adopted and what is the cause.
const lost = "Ending NetworkDown NetworkLost NetworkDown NetworkLost Closed"

// meanwhiles is what happens to a session of which the device is being opened, and the first events after
// Adopted, except for Offloaded.
var meanwhiles = map[string]struct {
	does   func(*lab, *pppoe.Server)
	events string
}{
	"an echo": {func(l *lab, _ *pppoe.Server) { l.sendFrame(0xc0, 0x21, 9, 99, 0, 8, 0, 0, 0, 0) }, ""},
	"another policy": {func(l *lab, s *pppoe.Server) {
		go s.ChangePolicy(l.sessionKey(s), func(p *pppoe.SessionPolicy) { p.Up.Bits = 1e6 })
	}, "PolicyChanged"},
	"LCP again": {
		func(l *lab, _ *pppoe.Server) { l.sendFrame(0xc0, 0x21, 1, 99, 0, 4) },
		"NetworkDown NetworkLost NetworkDown NetworkLost LinkUp",
	},
	"the client ends": {func(l *lab, _ *pppoe.Server) { l.stopClient() }, "PeerClosed " + lost},
	"PADTs": {func(l *lab, _ *pppoe.Server) {
		for range 100 {
			l.segment.Send(forge(serverAddr, clientAddr, wire.PADT, 1, nil))
		}
	}, lost},
	"the server is stopped": {func(l *lab, _ *pppoe.Server) { l.stopServer() }, lost},
	"disconnected": {func(l *lab, s *pppoe.Server) {
		go s.Disconnect(l.sessionKey(s), pppoe.DisconnectHard, session.Reason{})
	}, lost},
	"no device": {func(l *lab, _ *pppoe.Server) {
		l.serverHost.mu.Lock()
		defer l.serverHost.mu.Unlock()
		l.serverHost.openErr = errors.New("no device")
	}, "HostNetworkFailed " + lost},
}

// TestWhileBeingAdopted: what happens to a session before its device is open comes after Adopted, which has
// the addresses that the session had. Echoes are answered at once.
func TestWhileBeingAdopted(t *testing.T) {
	for what, c := range meanwhiles {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var replies atomic.Int64
				l := newLab(t, ethertest.Config{Watch: func(frame []byte) {
					if bytes.Equal(frame[:6], clientAddr[:]) && bytes.HasPrefix(frame[20:], []byte{0xc0, 0x21, 10, 99}) {
						replies.Add(1)
					}
				}})
				was, network, s := l.restartGated()
				c.does(l, s)
				time.Sleep(10 * time.Second)
				synctest.Wait()
				if early := kinds(l.serverEvents.events); len(early) > 0 || what == "an echo" && replies.Load() != 1 {
					t.Errorf("before the device is open, there are the events %v, and %d replies", early, replies.Load())
				}
				close(network.configures)
				close(network.opens)
				time.Sleep(10 * time.Second)
				synctest.Wait()
				if e, ok := l.serverEvents.events[0].(pppoe.Adopted); !ok || e.Addressing != was {
					t.Errorf("the first event is %+v; the addresses were %+v", l.serverEvents.events[0], was)
				}
				got := strings.ReplaceAll(strings.Join(kinds(l.serverEvents.events)[1:], " "), "Offloaded", "")
				if !strings.HasPrefix(got, c.events) || strings.Contains(got, "Adopted") || c.events == "" && got != "" {
					t.Errorf("the others are %q, want %q", got, c.events)
				}
				l.stop()
			})
		})
	}
}

// TestPacketsWhileBeingAdopted: packets that the client sends while its session's device is being opened wait for
// it, in order; PPP sees none of them.
func TestPacketsWhileBeingAdopted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		_, network, s := l.restartGated()
		var sent [][]byte
		for i := range 250 { // what the device in memory holds
			packet := numbered(pingFromClient, i)
			l.sendFrame(append([]byte{0, 0x21}, packet...)...)
			sent = append(sent, packet)
		}
		synctest.Wait()
		if early := kinds(l.serverEvents.events); len(early) > 0 {
			t.Errorf("before the device is open, there are the events %v", early)
		}
		close(network.configures)
		close(network.opens)
		synctest.Wait()
		if got := received(l.serverHost.device(t, "new0")); !slices.EqualFunc(got, sent, slices.Equal) {
			t.Errorf("of %d packets the device has received %d, or others", len(sent), len(got))
		}
		if got := s.Drops(); len(got) > 0 {
			t.Errorf("packets were dropped: %v", got)
		}
		l.stop()
	})
}

// restartGated has a session, kills the server, and starts one that adopts the session once the network allows
// it. It returns the addresses of the session.
func (l *lab) restartGated() (was pppoe.Addressing, network gatedHost, s *pppoe.Server) {
	l.t.Helper()
	l.server.Store = &memoryStore{}
	first := l.startServer()
	l.startClient()
	time.Sleep(time.Minute)
	before, _ := last[pppoe.Configured](&l.serverEvents)
	l.crash(first)
	l.renewNetwork()
	network = newGatedHost(l.serverHost)
	l.server.Network = network
	ports := l.segment.Ports(serverAddr)
	ports.Offload = keptOffload{}
	s, _ = l.restartAt(ports, 0)
	return before.Addressing, network, s
}

// sendFrame sends a PPP frame of the client's first session.
func (l *lab) sendFrame(frame ...byte) {
	l.segment.Send(wire.AppendSessionFrame(nil, serverAddr, clientAddr, 1, frame))
}

// sessionKey returns the key of the server's only session.
func (l *lab) sessionKey(s *pppoe.Server) (key pppoe.SessionKey) {
	for is := range s.Sessions() {
		key = is.Key()
	}
	return key
}
