package bench

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/ipcp"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/linux"
	"upppoe/pppoe/wire"
	"upppoe/test/lab"
	"upppoe/test/lab/labtest"
)

// BenchmarkDevices opens sessions of a server with a device each, over an Ethernet in memory, and
// ends them by stopping the server. It reports the time per session for 250 and 1,000 of them, and
// the ratio of both, which is 1 if the time is linear.
//
//	go test ./test/bench -run '^$' -bench Devices -benchtime 1x
func BenchmarkDevices(b *testing.B) {
	roottest.Need(b)
	const few, many = 250, 1000
	for b.Loop() {
		fewSetup, fewEnd := deviceTimes(b, few)
		manySetup, manyEnd := deviceTimes(b, many)
		perSession := func(d time.Duration, n int) float64 { return d.Seconds() * 1000 / float64(n) }
		b.ReportMetric(perSession(manySetup, many), "ms/setup")
		b.ReportMetric(perSession(manyEnd, many), "ms/end")
		b.ReportMetric(perSession(manySetup, many)/perSession(fewSetup, few), "setup-1000/250")
		b.ReportMetric(perSession(manyEnd, many)/perSession(fewEnd, few), "end-1000/250")
	}
}

// deviceTimes measures how long it takes until all devices are configured, and until the server has
// ended.
func deviceTimes(b *testing.B, sessions int) (setup, end time.Duration) {
	b.Helper()
	network, err := linux.NewNetwork(linux.NetworkConfig{Namespace: namespacePath(b, labtest.Namespace(b))})
	must(b, err)
	segment := ethertest.New(ethertest.Config{})
	configured := newCountdown(sessions)
	server, err := pppoe.NewServer(pppoe.ServerConfig{
		Concentrator: discovery.ConcentratorConfig{ACName: "ac"},
		Session:      session.Config{IPv4: &ipcp.Config{Local: netip.MustParseAddr("10.0.0.1")}, IPv6: &ipv6cp.Config{}},
		Pool:         pppoe.Pool{Max: sessions, First: netip.MustParseAddr("10.1.0.0")},
		Network:      network,
		Notify: func(l pppoe.SessionInfo, e pppoe.Event) {
			switch e := e.(type) {
			case pppoe.Configured:
				if e.HasIPv4() && e.HasIPv6() {
					configured.add(l.SessionID)
				}
			case pppoe.HostNetworkFailed:
				b.Errorf("session %d: %v", l.SessionID, e.Err)
				configured.add(l.SessionID)
			}
		},
	}, []pppoe.Listener{{Interface: "s", Ports: segment.Ports(wire.Addr{2, 0, 0x5e, 0, 0x53, 1})}})
	must(b, err)
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	ended := make(chan struct{})
	// Ends with ctx.
	go func() {
		defer close(ended)
		if err := server.Run(ctx); err != nil {
			b.Error(err)
		}
	}()
	clients := newSubscribers(segment.Ports(wire.Addr{2, 0, 0x5e, 0, 0x53, 2}))
	defer clients.close()
	began := time.Now()
	for range sessions {
		must(b, clients.dial())
	}
	clients.serveUntil(configured.done)
	setup = time.Since(began)
	began = time.Now()
	stop()
	clients.serveUntil(ended)
	return setup, time.Since(began)
}

// countdown closes done when it has seen a number of session IDs.
type countdown struct {
	mu    sync.Mutex
	seen  map[uint16]bool
	total int
	done  chan struct{}
}

func newCountdown(total int) *countdown {
	return &countdown{seen: map[uint16]bool{}, total: total, done: make(chan struct{})}
}

func (c *countdown) add(id uint16) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen[id] {
		return
	}
	if c.seen[id] = true; len(c.seen) == c.total {
		close(c.done)
	}
}

// namespacePath returns a path to a namespace, which is valid until the end of the benchmark.
func namespacePath(b *testing.B, n *lab.Namespace) (path string) {
	b.Helper()
	must(b, n.Do(func() error {
		fd, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			b.Cleanup(func() { unix.Close(fd) })
		}
		path = fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd)
		return err
	}))
	return path
}
