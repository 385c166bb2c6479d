package datapath

import (
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"upppoe/internal/host/netconfig"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/linux"
	"upppoe/pppoe/vlan"
	"upppoe/test/lab"
	"upppoe/test/lab/labtest"
	"upppoe/tun"
)

// end is one end of a session: a namespace with a client or a server.
type end struct {
	*lab.Namespace
	path    datapath.Kind
	opener  *linux.Opener
	offload *offloadIn // nil: user space carries all packets
	stop    func()
	count   counted // the session ports, if there are several

	events                    chan pppoe.Event // those that tests wait for
	echoRequests, echoReplies atomic.Int64     // Echo-Requests sent, Echo-Replies received
	notOpen                   atomic.Int64     // packets received for families that are not open
	pair                      atomic.Bool      // see hasPair
}

// newEnd creates a namespace. Its kernel sends almost nothing by itself, and that early: counters
// are compared.
func newEnd(t *testing.T, path datapath.Kind) *end {
	t.Helper()
	n := labtest.Namespace(t)
	for name, value := range map[string]string{
		"ipv6/conf/default/router_solicitations":              "0",
		"ipv6/conf/default/accept_dad":                        "0",
		"ipv6/conf/default/mldv2_unsolicited_report_interval": "1",
	} {
		sysctl(t, n, name, value)
	}
	e := &end{Namespace: n, path: path, events: make(chan pppoe.Event, 64)}
	e.opener = &linux.Opener{DataPath: path, MaxSessions: 16, InNamespace: n.Do, Log: slog.New(logHandler{slog.DiscardHandler, e})}
	t.Cleanup(func() { e.Do(e.opener.Close) })
	return e
}

func sysctl(t *testing.T, in *lab.Namespace, name, value string) {
	t.Helper()
	must(t, in.Do(func() error { return os.WriteFile(filepath.Join("/proc/sys/net", name), []byte(value), 0) }))
}

// notify keeps the events that tests wait for.
func (e *end) notify(_ pppoe.SessionInfo, event pppoe.Event) {
	switch event := event.(type) {
	case pppoe.FrameSent:
		if isLCP(event.Frame, 9) {
			e.echoRequests.Add(1)
		}
	case pppoe.FrameReceived:
		if isLCP(event.Frame, 10) {
			e.echoReplies.Add(1)
		}
	case session.Dropped:
		if event.Err == session.ErrNotOpen {
			e.notOpen.Add(1)
		}
	case pppoe.Configured, pppoe.Ended, pppoe.NotOffloaded:
		select {
		case e.events <- event:
		default:
		}
	}
}

// isLCP reports whether a frame is an LCP packet with a code: 9 is Echo-Request, 10 Echo-Reply (RFC
// 1661 section 5.8).
func isLCP(frame []byte, code byte) bool {
	return len(frame) > 2 && frame[0] == 0xc0 && frame[1] == 0x21 && frame[2] == code
}

// await waits until the families of a session are up, and until the kernel carries packets if it
// should.
func (e *end) await(t *testing.T, s settings) {
	t.Helper()
	for up := false; !up; {
		switch event := e.event(t).(type) {
		case pppoe.Configured:
			up = event.HasIPv4() == (s.without != familyIPv4) && event.HasIPv6() == (s.without != familyIPv6)
		case pppoe.NotOffloaded:
			t.Fatal(event.Err)
		case pppoe.Ended:
			t.Fatal(event.Reason)
		}
	}
	if e.offload == nil {
		return
	}
	select {
	case <-e.offload.installed:
	case event := <-e.events:
		t.Fatalf("%T %+v", event, event)
	case <-time.After(timeout):
		t.Fatal("the kernel does not carry packets")
	}
}

func (e *end) event(t *testing.T) pppoe.Event {
	t.Helper()
	select {
	case event := <-e.events:
		return event
	case <-time.After(timeout):
		t.Fatal("no event")
		return nil
	}
}

// ended waits for the end of the session.
func (e *end) ended(t *testing.T) pppoe.Ended {
	t.Helper()
	for {
		if ended, ok := e.event(t).(pppoe.Ended); ok {
			return ended
		}
	}
}

// ports opens the ports of eth0, or of a VLAN on it.
func (e *end) ports(tags vlan.Stack) (p pppoe.Ports, err error) {
	err = e.Do(func() (err error) {
		p, err = e.opener.Open(afpacket.Attachment{Interface: "eth0", VLAN: tags})
		return err
	})
	if err == nil && len(p.Fanout) > 0 {
		e.count.all(&p)
	}
	if p.Offload != nil {
		e.offload = &offloadIn{Offload: p.Offload, in: e.Namespace, installed: make(chan struct{}, 8)}
		p.Offload = e.offload
	}
	return p, err
}

// offloadIn is a datapath.Offload in a namespace.
type offloadIn struct {
	datapath.Offload
	in        *lab.Namespace
	installed chan struct{} // receives when a session begins to be carried
	latest    atomic.Pointer[offloadedSession]
}

func (k *offloadIn) Add(c datapath.SessionConfig) (datapath.OffloadSession, error) {
	s := &offloadedSession{in: k}
	err := k.in.Do(func() (err error) {
		s.OffloadSession, err = k.Offload.Add(c)
		return err
	})
	k.latest.Store(s)
	return s, err
}

// offloadedSession is a session of an offloadIn.
type offloadedSession struct {
	datapath.OffloadSession
	in        *offloadIn
	installed atomic.Bool // SetFamilies was called
}

func (s *offloadedSession) SetFamilies(ipv4, ipv6 bool) {
	s.OffloadSession.SetFamilies(ipv4, ipv6)
	if !s.installed.Swap(true) {
		s.in.installed <- struct{}{}
	}
}

// host configures the network of a namespace.
type host struct {
	*netconfig.Configurer
	in *lab.Namespace
}

func (e *end) host() host {
	return host{&netconfig.Configurer{Log: slog.New(slog.DiscardHandler), DataPath: e.path, Queues: e.opener.Queues}, e.Namespace}
}

func (h host) Open(l pppoe.SessionInfo) (d tun.Device, err error) {
	err = h.in.Do(func() (err error) {
		d, err = h.Configurer.Open(l)
		return err
	})
	return d, err
}

func (h host) Configure(l pppoe.SessionInfo, have, want pppoe.Addressing) error {
	return h.in.Do(func() error { return h.Configurer.Configure(l, have, want) })
}

func (h host) Close(l pppoe.SessionInfo, have pppoe.Addressing) {
	h.in.Do(func() error {
		h.Configurer.Close(l, have)
		return nil
	})
}
