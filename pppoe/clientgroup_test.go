package pppoe_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/chap"
	"upppoe/ipcp"
	"upppoe/lcp"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// groupLab is a group of clients and a server on one segment.
type groupLab struct {
	*lab
	cfg    pppoe.ClientGroupConfig
	group  *pppoe.ClientGroup
	events map[int][]pppoe.Event // by client
	stop   func()                // ends the group, and waits for it
}

// groupAddr is the address of the first client; it differs from the server's in the first octets.
var groupAddr = wire.Addr{2, 0xab, 0, 0, 0, 0}

func newGroupLab(t *testing.T, cfg ethertest.Config, size int) *groupLab {
	l := &groupLab{lab: newLab(t, cfg), events: map[int][]pppoe.Event{}}
	l.server.Pool.Max = size
	users := accounts{}
	for i := range size {
		users[fmt.Sprintf("user%d", i)] = fmt.Sprintf("password%d", i)
	}
	l.server.Authenticator = users
	l.cfg = pppoe.ClientGroupConfig{
		Interface: "clients",
		Ports:     l.segment.Stations(groupAddr, 24),
		Size:      size,
		Client: func(i int) pppoe.GroupClient {
			addr := groupAddr
			addr[4], addr[5] = byte(i>>8), byte(i)
			return pppoe.GroupClient{Addr: addr, User: fmt.Sprintf("user%d", i), Password: fmt.Sprintf("password%d", i)}
		},
		Session: session.Config{IPv4: &ipcp.Config{}, IPv6: &ipv6cp.Config{}},
		Notify:  func(i int, _ time.Time, e pppoe.Event) { l.events[i] = append(l.events[i], e) },
	}
	l.cfg.Session.LCP.AllowAuth = []ppp.Method{chap.MD5}
	return l
}

// startGroup starts the group. With clients of many addresses, more frames are in flight than a
// port's queue holds, unless few clients dial at the same time.
func (l *groupLab) startGroup() {
	if l.cfg.MaxInProgress == 0 {
		l.cfg.MaxInProgress = 20
	}
	group, err := pppoe.NewClientGroup(l.cfg)
	if err != nil {
		l.t.Fatal(err)
	}
	l.group = group
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- group.Run(ctx) }()
	l.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			l.t.Errorf("the group ended with %v", err)
		}
		time.Sleep(time.Minute) // virtual time: for the sessions' end
		l.stopServer()
		l.running.Wait()
	}
}

// countEvents returns how many events of a type all clients have had.
func countEvents[E pppoe.Event](l *groupLab) (n int) {
	l.group.Call(func(time.Time) {
		for _, events := range l.events {
			for _, e := range events {
				if _, ok := e.(E); ok {
					n++
				}
			}
		}
	})
	return n
}

// TestClientGroup: all clients open sessions with both address families, each with the address that
// its account gets, in no time; and all end in good order.
func TestClientGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 200
		l := newGroupLab(t, ethertest.Config{}, size)
		l.startServer()
		l.startGroup()
		synctest.Wait()
		time.Sleep(10 * time.Millisecond) // the granularity of the group's timer
		synctest.Wait()
		assigned := map[any]int{}
		for i := range size {
			l.group.Call(func(time.Time) {
				if up, ok := lastOf[session.IPv4Up](l.events[i]); ok {
					assigned[up.Local] = i
				} else {
					t.Errorf("client %d has no IPv4: %+v", i, l.events[i])
				}
			})
		}
		if len(assigned) != size {
			t.Errorf("%d clients have different addresses, want %d", len(assigned), size)
		}
		if n := countEvents[session.IPv6Up](l); n != size {
			t.Errorf("%d have IPv6, want %d", n, size)
		}
		l.stop()
		for i, events := range l.events {
			if e, ok := lastOf[pppoe.Ended](events); !ok || e.Reason.Cause != session.CauseUserRequest || !e.SentPADT {
				t.Errorf("client %d ended with %+v, want a user request and a PADT", i, e)
			}
		}
		if n := count[pppoe.Ended](&l.serverEvents); n != size {
			t.Errorf("%d sessions of the server have ended, want %d", n, size)
		}
	})
}

// lastOf returns the last event of a type.
func lastOf[E any](events []pppoe.Event) (found E, ok bool) {
	for _, e := range events {
		if e, is := e.(E); is {
			found, ok = e, true
		}
	}
	return found, ok
}

// TestClientGroupRate: dials start at the configured rate.
func TestClientGroupRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newGroupLab(t, ethertest.Config{}, 100)
		l.cfg.Rate = 50
		l.startServer()
		l.startGroup()
		for _, at := range []time.Duration{time.Second / 2, time.Second, 2 * time.Second} {
			time.Sleep(time.Until(l.began().Add(at)))
			synctest.Wait()
			want := int(at.Seconds() * 50)
			if n := countEvents[pppoe.Dialling](l); n < want-1 || n > want+2 {
				t.Errorf("after %v %d clients have begun to dial, want %d", at, n, want)
			}
		}
		l.stop()
	})
}

// TestClientGroupSpare: spare clients dial only when they are told to.
func TestClientGroupSpare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newGroupLab(t, ethertest.Config{}, 5)
		l.cfg.Spare = 2
		l.startServer()
		l.startGroup()
		time.Sleep(time.Minute)
		if n := countEvents[session.IPv4Up](l); n != 3 {
			t.Errorf("%d of 3 clients are up, beside 2 spare ones", n)
		}
		l.group.Call(func(time.Time) { l.group.Dial(4) })
		synctest.Wait()
		if _, up := lastOf[session.IPv4Up](l.events[4]); !up || countEvents[session.IPv4Up](l) != 4 {
			t.Errorf("a spare client that dials: %v", l.events[4])
		}
		l.stop()
	})
}

// began returns when the bubble began: at midnight UTC 2000-01-01 (testing/synctest).
func (l *groupLab) began() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }

// TestClientGroupFailures: a wrong password, a concentrator that nobody is and a server without a
// free slot are reported by the clients that they concern.
func TestClientGroupFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newGroupLab(t, ethertest.Config{}, 10)
		l.server.Authenticator = accounts{"user3": "password3"}
		l.startServer()
		l.startGroup()
		time.Sleep(time.Minute)
		synctest.Wait()
		for i := range 10 {
			l.group.Call(func(time.Time) {
				e, ended := lastOf[pppoe.Ended](l.events[i])
				switch {
				case i == 3 && ended:
					t.Errorf("client 3, whose password is right, ended with %v", e)
				case i != 3 && e.Reason.Cause != session.CauseNotAuthenticated:
					t.Errorf("client %d, whose password is wrong, ended with %v", i, e)
				}
			})
		}
		l.stop()
	})
	synctest.Test(t, func(t *testing.T) {
		l := newGroupLab(t, ethertest.Config{}, 2)
		l.cfg.Discovery.ACNames = []string{"nobody"}
		l.startServer()
		l.startGroup()
		time.Sleep(time.Minute)
		synctest.Wait()
		for i := range 2 {
			if e, _ := lastOf[pppoe.DialFailed](l.events[i]); !errors.Is(e.Err, pppoe.ErrDiscovery) {
				t.Errorf("client %d failed with %v, want ErrDiscovery", i, e.Err)
			}
		}
		l.stop()
	})
	synctest.Test(t, func(t *testing.T) {
		l := newGroupLab(t, ethertest.Config{}, 5)
		l.server.Pool.Max = 3
		l.startServer()
		l.startGroup()
		time.Sleep(time.Minute)
		synctest.Wait()
		if n, full := countEvents[session.IPv4Up](l), countEvents[pppoe.DialFailed](l); n != 3 || full != 2 {
			t.Errorf("%d of 5 are open and %d rejected at a server with three slots", n, full)
		}
		l.stop()
	})
}

// TestClientGroupChurn: sessions that end are dialled again, while others go on, on a lossy segment
// as well.
func TestClientGroupChurn(t *testing.T) {
	for _, loss := range []float64{0, 0.1} {
		synctest.Test(t, func(t *testing.T) {
			const size = 60
			l := newGroupLab(t, ethertest.Config{Loss: loss}, size)
			record := l.cfg.Notify
			l.cfg.Notify = func(i int, at time.Time, e pppoe.Event) {
				record(i, at, e)
				switch e.(type) {
				case pppoe.Ended, pppoe.DialFailed:
					l.group.Dial(i)
				}
			}
			next := 0
			l.cfg.Tick = func(now time.Time) time.Time {
				l.group.Hangup(next % size)
				next++
				return now.Add(100 * time.Millisecond)
			}
			l.startServer()
			l.startGroup()
			// Which frames are lost depends on which goroutine sends first, so that how long it takes
			// differs from run to run: about 30 s.
			const want = 3 * size
			n := 0
			for end := time.Now().Add(10 * time.Minute); n < want && time.Now().Before(end); n = countEvents[pppoe.SessionEstablished](l) {
				time.Sleep(time.Second)
				synctest.Wait()
			}
			if n < want {
				t.Errorf("loss %v: %d sessions in 10 minutes with 10 hangups a second, want %d", loss, n, want)
			}
			l.stop()
			for i, events := range l.events {
				opened, ended := 0, 0
				for _, e := range events {
					switch e.(type) {
					case pppoe.SessionEstablished:
						opened++
					case pppoe.Ended:
						ended++
					}
				}
				if opened != ended {
					t.Errorf("loss %v: client %d had %d sessions, of which %d have ended", loss, i, opened, ended)
				}
			}
		})
	}
}

// TestClientGroupPackets: packets of each session reach the program, and its packets the server,
// in both families.
func TestClientGroupPackets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newGroupLab(t, ethertest.Config{}, 1)
		var received [][]byte
		l.cfg.Receive = func(_ int, _ time.Time, packet []byte) { received = append(received, append([]byte(nil), packet...)) }
		l.startServer()
		l.startGroup()
		synctest.Wait()
		device := l.serverHost.device(t, "ppp0")
		for _, packet := range [][]byte{ipv4("192.0.2.10", "192.0.2.1"), ipv6From(netip.MustParseAddr("fe80::1"))} {
			sent := false
			l.group.Call(func(time.Time) { sent = l.group.Send(0, packet) })
			synctest.Wait()
			select {
			case got := <-device.Received():
				if string(got) != string(packet) {
					t.Errorf("the server received % x of % x", got, packet)
				}
			default:
				t.Errorf("the server did not receive % x; queued: %v", packet, sent)
			}
			device.Inject(packet)
			synctest.Wait()
			if len(received) != 1 || string(received[0]) != string(packet) {
				t.Errorf("the client received % x of % x", received, packet)
			}
			received = nil
		}
		l.stop()
		if l.group.Send(0, ipv4("192.0.2.10", "192.0.2.1")) {
			t.Error("a client without a session sends a packet")
		}
	})
}

// TestClientGroupEchoes: echoes are counted; without answers they are lost, one by one, until the
// session ends.
func TestClientGroupEchoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newGroupLab(t, ethertest.Config{}, 2)
		l.cfg.Session.LCP.Echo = lcp.Echo{Interval: 10 * time.Second, Failures: 3}
		l.startServer()
		l.startGroup()
		time.Sleep(25 * time.Second)
		counters := func() (c pppoe.GroupCounters) {
			l.group.Call(func(time.Time) { c = l.group.Counters() })
			return c
		}
		if c := counters(); c.SentEchoes != 6 || c.EchoReplies != 6 || c.LostEchoes != 0 {
			t.Errorf("two sessions of 25 s, with an echo each 10 s: %+v", c)
		}
		l.segment.Unplug(serverAddr)
		time.Sleep(10 * time.Second)
		if c := counters(); c.SentEchoes != 8 || c.EchoReplies != 6 || c.LostEchoes != 0 {
			t.Errorf("10 s after the loss of the server: %+v", c)
		}
		time.Sleep(10 * time.Second)
		if c := counters(); c.LostEchoes != 2 || countEvents[pppoe.EchoLost](l) != 2 {
			t.Errorf("20 s after the loss of the server: %+v", c)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		for i := range 2 {
			if e, _ := lastOf[pppoe.Ended](l.events[i]); e.Reason.Cause != session.CausePeerDead {
				t.Errorf("client %d ended with %+v, want peer-dead", i, e)
			}
		}
		l.stop()
	})
}

// TestClientGroupVLANs: each client has the tags of its own, and answers on other VLANs are not its.
func TestClientGroupVLANs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newGroupLab(t, ethertest.Config{}, 4)
		tagged := vlan.Stack{{TPID: vlan.STag, VID: 7}, {TPID: vlan.CTag, VID: 9}}
		client := l.cfg.Client
		l.cfg.Client = func(i int) pppoe.GroupClient {
			c := client(i)
			if i%2 == 0 {
				c.VLAN = tagged
			}
			return c
		}
		l.startServerOn(pppoe.Ports{
			Discovery: l.segment.Tagged(serverAddr, wire.EtherTypeDiscovery, tagged),
			Session:   l.segment.Tagged(serverAddr, wire.EtherTypeSession, tagged),
		})
		l.startGroup()
		synctest.Wait()
		for i := range 4 {
			if _, up := lastOf[session.IPv4Up](l.events[i]); up != (i%2 == 0) {
				t.Errorf("client %d is up: %v", i, up)
			}
		}
		l.stop()
	})
}

// TestClientGroupMalformed: frames that are truncated, of unknown sessions or forged are dropped,
// counted, and change nothing.
func TestClientGroupMalformed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newGroupLab(t, ethertest.Config{}, 1)
		l.startServer()
		l.startGroup()
		synctest.Wait()
		other := wire.Addr{2, 0, 0x5e, 0, 0x53, 0x99}
		frames := [][]byte{
			wire.AppendSessionFrame(nil, groupAddr, serverAddr, 77, []byte{0xc0, 0x21, 1, 1, 0, 4}),
			wire.AppendSessionFrame(nil, groupAddr, other, 1, []byte{0xc0, 0x21, 5, 1, 0, 4}),
			wire.AppendSessionFrame(nil, groupAddr, serverAddr, 1, nil),
			wire.NewPADT(groupAddr, other, 1, "").AppendTo(nil),
			wire.NewPADT(groupAddr, serverAddr, 2, "").AppendTo(nil),
		}
		for _, frame := range frames {
			for n := 14; n <= len(frame); n++ {
				l.segment.Send(frame[:n])
			}
		}
		synctest.Wait()
		if n := countEvents[pppoe.Ended](l); n != 0 {
			t.Error("a forged frame has ended the session")
		}
		if len(l.group.Drops()) < 3 {
			t.Errorf("drops: %v", l.group.Drops())
		}
		l.segment.Send(wire.NewPADT(groupAddr, serverAddr, 1, "").AppendTo(nil))
		synctest.Wait()
		if e, _ := lastOf[pppoe.Ended](l.events[0]); e.Reason.Cause != session.CauseHangUp || e.SentPADT {
			t.Errorf("after the concentrator's PADT the session ended with %+v", e)
		}
		l.stop()
	})
}

// TestClientGroupConfig: errors name the field.
func TestClientGroupConfig(t *testing.T) {
	segment := ethertest.New(ethertest.Config{})
	good := pppoe.ClientGroupConfig{Ports: segment.Stations(groupAddr, 24), Client: func(int) pppoe.GroupClient { return pppoe.GroupClient{} }}
	for field, change := range map[string]func(c *pppoe.ClientGroupConfig){
		"Ports":         func(c *pppoe.ClientGroupConfig) { c.Ports = pppoe.Ports{} },
		"Client":        func(c *pppoe.ClientGroupConfig) { c.Client = nil },
		"Size":          func(c *pppoe.ClientGroupConfig) { c.Size = -1 },
		"Spare":         func(c *pppoe.ClientGroupConfig) { c.Spare = 1 },
		"Rate":          func(c *pppoe.ClientGroupConfig) { c.Rate = -1 },
		"MaxInProgress": func(c *pppoe.ClientGroupConfig) { c.MaxInProgress = -1 },
		"Discovery":     func(c *pppoe.ClientGroupConfig) { c.Discovery.Service = string(make([]byte, 2000)) },
	} {
		bad := good
		change(&bad)
		if _, err := pppoe.NewClientGroup(bad); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if _, err := pppoe.NewClientGroup(good); err != nil {
		t.Error(err)
	}
}
