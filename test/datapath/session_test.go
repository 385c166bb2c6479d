// Package datapath tests the data paths on the real kernel: a session between two network
// namespaces, with each path at either end.
package datapath

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"time"

	"upppoe/internal/hostnet"
	"upppoe/internal/roottest"
	"upppoe/ipcp"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/test/lab"
	"upppoe/tun"
)

// Addresses of the two ends.
const (
	clientIP, serverIP   = "192.0.2.10", "192.0.2.1"
	clientIP6, serverIP6 = "2001:db8::10", "2001:db8::1"
	clientMAC, serverMAC = "02:00:5e:00:53:02", "02:00:5e:00:53:01"
)

// ends are a session that is up.
type ends struct {
	client, server *lab.Namespace
}

// dial has a client dial a server, each with its own data path, in namespaces of their own.
func dial(t *testing.T, by, with pppoe.DataPath) *ends {
	t.Helper()
	roottest.Need(t)
	e := &ends{namespace(t), namespace(t)}
	must(t, lab.Veth(lab.End{In: e.client, Name: "eth0", MAC: clientMAC}, lab.End{In: e.server, Name: "eth0", MAC: serverMAC}))
	serve(t, e.server, with)
	up := make(chan struct{}, 8)
	client := pppoe.NewClient(pppoe.ClientConfig{
		Interface: "eth0",
		Listen:    func() (pppoe.Ports, error) { return ports(e.client) },
		Discovery: pppoe.HostConfig{Rand: rand.Reader},
		Session: session.Config{
			Rand: rand.Reader,
			IPv4: &ipcp.Config{AcceptLocal: true, AcceptRemote: true}, IPv6: &ipv6cp.Config{AcceptLocal: true},
		},
		DataPath: by,
		Host:     inside(e.client, by),
		Notify: func(_ pppoe.Line, event pppoe.Event) {
			if c, ok := event.(pppoe.Configured); ok && c.HasIPv4() && c.HasIPv6() {
				up <- struct{}{}
			}
		},
	})
	running(t, func(ctx context.Context) { client.Run(ctx) })
	select {
	case <-up:
	case <-time.After(10 * time.Second):
		t.Fatal("no session")
	}
	must(t, e.client.Address("ppp0", clientIP6+"/64"))
	must(t, e.server.Address("ppp0", serverIP6+"/64"))
	for _, to := range []string{serverIP, serverIP6} {
		_, err := e.client.Ping(netip.MustParseAddr(to), 1, 5*time.Second)
		must(t, err)
	}
	return e
}

func serve(t *testing.T, in *lab.Namespace, with pppoe.DataPath) {
	t.Helper()
	ports, err := ports(in)
	must(t, err)
	server, err := pppoe.NewServer(pppoe.ServerConfig{
		Concentrator: pppoe.ConcentratorConfig{ACName: "lab", Rand: rand.Reader},
		Session:      session.Config{Rand: rand.Reader, IPv4: &ipcp.Config{Local: netip.MustParseAddr(serverIP)}, IPv6: &ipv6cp.Config{}},
		Pool:         pppoe.Pool{Max: 4, First: netip.MustParseAddr(clientIP)},
		DataPath:     with,
		Host:         inside(in, with),
	}, []pppoe.Listener{{Interface: "eth0", Ports: ports}})
	must(t, err)
	running(t, func(ctx context.Context) { server.Run(ctx) })
}

// running runs something until the test ends.
func running(t *testing.T, run func(context.Context)) {
	ctx, stop := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { run(ctx) })
	t.Cleanup(func() {
		stop()
		done.Wait()
	})
}

func ports(in *lab.Namespace) (p pppoe.Ports, err error) {
	err = in.Do(func() (err error) {
		p, err = afpacket.OpenPorts(afpacket.Line{Interface: "eth0"})
		return err
	})
	return p, err
}

// host is the network of a namespace.
type host struct {
	*hostnet.Host
	in *lab.Namespace
}

func inside(in *lab.Namespace, by pppoe.DataPath) host {
	return host{&hostnet.Host{Log: slog.New(slog.DiscardHandler), DataPath: by}, in}
}

func (h host) Open(l pppoe.Line) (d tun.Device, err error) {
	err = h.in.Do(func() (err error) {
		d, err = h.Host.Open(l)
		return err
	})
	return d, err
}

func (h host) Configure(l pppoe.Line, have, want pppoe.Addressing) error {
	return h.in.Do(func() error { return h.Host.Configure(l, have, want) })
}

func (h host) Close(l pppoe.Line, have pppoe.Addressing) {
	h.in.Do(func() error {
		h.Host.Close(l, have)
		return nil
	})
}

func namespace(t *testing.T) *lab.Namespace {
	t.Helper()
	n, err := lab.NewNamespace()
	must(t, err)
	t.Cleanup(func() { n.Close() })
	return n
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
