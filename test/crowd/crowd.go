// Package crowd is many clients of a PPPoE server, in one process and over one interface, for tests that kill
// the server: it knows which sessions the clients have, how others have ended, and whether packets pass.
package crowd

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/ipcp"
	"upppoe/lcp"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
	"upppoe/test/lab"
)

// Crowd is clients whose users are user0, user1 and so on, with the password secret.
type Crowd struct {
	t       testing.TB
	group   *pppoe.ClientGroup
	rand    *rand.Rand
	clients []client // guarded by the group: see Call
	wrong   []string // what must not happen, the same
	told    int      // sessions that a PADT has ended, the same
}

// client is what is known of a client.
type client struct {
	phase    phase
	id       uint16
	families uint8 // that are up: bits of 1 (IPv4) and 2 (IPv6)
	local    netip.Addr
	remote   netip.Addr
	hungUp   bool // the session ends by its client
	ended    string
	answered uint16 // number of the last ping that was answered
}

type phase uint8

const (
	idle phase = iota
	dialling
	negotiating
	up
)

const bothFamilies = 3

// Session is a session as one of its ends sees it.
type Session struct {
	MAC     string
	ID      uint16
	Address string // IPv4
}

// base is the Ethernet address of the first client, without the number in its last two octets.
var base = wire.Addr{0x02, 0x4c}

// Start starts clients on the Ethernet interface eth0 of a namespace, all of which are idle. They end with the
// test.
func Start(t testing.TB, in *lab.Namespace, clients int, random *rand.Rand) *Crowd {
	t.Helper()
	c := &Crowd{t: t, rand: random, clients: make([]client, clients)}
	const name = "eth0"
	var ports pppoe.Ports
	err := in.Do(func() (err error) {
		ports, err = afpacket.OpenPorts(afpacket.Attachment{Interface: name, Source: base, SourcePrefix: 32})
		return err
	})
	if err == nil {
		c.group, err = pppoe.NewClientGroup(c.config(name, ports))
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	// Ends with the test.
	go func() { ended <- c.group.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	return c
}

// config returns a configuration with short times: a client notices soon that a server is back, and gives none
// up that is away for some seconds.
func (c *Crowd) config(name string, ports pppoe.Ports) pppoe.ClientGroupConfig {
	limits := ppp.NegotiationLimits{Restart: 500 * time.Millisecond, MaxConfigure: 40, MaxTerminate: 2}
	return pppoe.ClientGroupConfig{
		Interface: name, Ports: ports, Size: len(c.clients), Spare: len(c.clients), MaxInProgress: len(c.clients),
		Client: func(i int) pppoe.GroupClient {
			return pppoe.GroupClient{Addr: address(i), User: fmt.Sprintf("user%d", i), Password: "secret"}
		},
		Discovery: discovery.ClientConfig{Timeout: time.Second, Attempts: 2},
		Session: session.Config{
			LCP:  lcp.Config{AllowAuth: []ppp.Method{chap.MD5}, Echo: lcp.Echo{Interval: time.Second, Failures: 30}, Limits: limits},
			IPv4: &ipcp.Config{Limits: limits}, IPv6: &ipv6cp.Config{Limits: limits},
		},
		Notify: c.notify, Receive: c.receive,
	}
}

func address(i int) wire.Addr {
	a := base
	a[4], a[5] = byte(i>>8), byte(i)
	return a
}

// call runs f while nothing happens to the clients.
func (c *Crowd) call(f func()) { c.group.Call(func(time.Time) { f() }) }

func (c *Crowd) notify(i int, _ time.Time, event pppoe.Event) {
	is := &c.clients[i]
	switch e := event.(type) {
	case pppoe.Dialling:
		*is = client{phase: dialling}
	case pppoe.SessionEstablished:
		is.phase, is.id = negotiating, e.Grant.SessionID
	case session.IPv4Up:
		is.local, is.remote = e.Local, e.Remote
		is.familyUp(1)
	case session.IPv6Up:
		is.familyUp(2)
	case session.NetworkDown:
		is.phase, is.families = negotiating, 0
	case pppoe.DialFailed:
		*is = client{ended: e.Err.Error()}
	case pppoe.Ended:
		c.noteEnd(i, e)
	}
}

func (is *client) familyUp(family uint8) {
	if is.families |= family; is.families == bothFamilies {
		is.phase = up
	}
}

// noteEnd notes the end of a session. The server tells of it in words: by a PADT, or LCP's Terminate-Request;
// unless the client has ended it.
func (c *Crowd) noteEnd(i int, e pppoe.Ended) {
	is := &c.clients[i]
	told := !e.SentPADT || e.Reason.Cause == session.CausePeerTerminated
	if told {
		c.told++
	} else if !is.hungUp {
		c.wrong = append(c.wrong, fmt.Sprintf("session %d of %v (%v) ended without being told: %v", is.id, address(i), is.local, e.Reason))
	}
	*is = client{ended: fmt.Sprint(e.Reason)}
}

// Flip makes n clients that are chosen by chance dial, or hang up if they have a session.
func (c *Crowd) Flip(n int) {
	c.call(func() {
		for _, i := range c.rand.Perm(len(c.clients))[:n] {
			if c.clients[i].phase == idle {
				c.group.Dial(i)
				continue
			}
			c.clients[i].hungUp = true
			c.group.Hangup(i)
		}
	})
}

// Dial makes all clients dial that are idle.
func (c *Crowd) Dial() {
	c.call(func() {
		for i := range c.clients {
			c.group.Dial(i)
		}
	})
}

// Online returns the sessions whose network protocols are open.
func (c *Crowd) Online() (all map[Session]bool) {
	all = make(map[Session]bool)
	c.call(func() {
		for i, is := range c.clients {
			if is.phase == up && !is.hungUp {
				all[Session{address(i).String(), is.id, is.local.String()}] = true
			}
		}
	})
	return all
}

// How returns how the last session of a client, which has no other, has ended.
func (c *Crowd) How(mac string) (how string) {
	c.call(func() {
		for i, is := range c.clients {
			if address(i).String() == mac {
				how = is.ended
			}
		}
	})
	return how
}

// Told returns how many sessions the server has ended in words since the last call.
func (c *Crowd) Told() (n int) {
	c.call(func() { n, c.told = c.told, 0 })
	return n
}

// Wrong returns what must not have happened since the last call: sessions that ended without a word.
func (c *Crowd) Wrong() (what []string) {
	c.call(func() { what, c.wrong = c.wrong, nil })
	return what
}

// unsettled returns a client that dials, negotiates or hangs up; ok is false if there is none.
func (c *Crowd) unsettled() (what string, ok bool) {
	c.call(func() {
		for i, is := range c.clients {
			if is.phase == dialling || is.phase == negotiating || is.hungUp {
				what, ok = fmt.Sprintf("%v is in phase %d, session %d, hung up: %v", address(i), is.phase, is.id, is.hungUp), true
			}
		}
	})
	return what, ok
}

// IsSettled reports whether no client dials, negotiates or hangs up.
func (c *Crowd) IsSettled() bool {
	_, ok := c.unsettled()
	return !ok
}

// settleTimeout is a multiple of what clients need, with all the timeouts of discovery and LCP.
const settleTimeout = time.Minute

// Settle waits until no client dials, negotiates or hangs up.
func (c *Crowd) Settle() {
	c.t.Helper()
	for end := time.Now().Add(settleTimeout); ; time.Sleep(5 * time.Millisecond) {
		what, ok := c.unsettled()
		if !ok {
			return
		}
		if time.Now().After(end) {
			c.t.Fatalf("after %v %s", settleTimeout, what)
		}
	}
}
