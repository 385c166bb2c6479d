package pppoe_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/chap"
	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/pap"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
	"upppoe/tun"
	"upppoe/tun/tuntest"
)

var (
	clientAddr = wire.Addr{2, 0, 0x5e, 0, 0x53, 2}
	serverAddr = wire.Addr{2, 0, 0x5e, 0, 0x53, 1}
)

// host is a HostNetwork in memory that records what is configured.
type host struct {
	mu           sync.Mutex
	prefix       string
	made         int
	devices      map[string]*tuntest.Device
	now          map[string]pppoe.Addressing
	openErr      error         // what Open returns
	slow         time.Duration // how long it takes to remove addresses
	twice        error         // nil, or which address two devices had at the same time
	configureErr error         // what Configure returns
}

func newHost(prefix string) *host {
	return &host{prefix: prefix, devices: map[string]*tuntest.Device{}, now: map[string]pppoe.Addressing{}}
}

func (h *host) Open(pppoe.SessionInfo) (tun.Device, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.openErr != nil {
		return nil, h.openErr
	}
	name := fmt.Sprintf("%s%d", h.prefix, h.made)
	h.made++
	h.devices[name] = tuntest.New(name)
	return h.devices[name], nil
}

func (h *host) Configure(l pppoe.SessionInfo, have, want pppoe.Addressing) error {
	if have.HasIPv4() && !want.HasIPv4() {
		time.Sleep(h.slow)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for other, has := range h.now {
		if other != l.Device && want.HasIPv4() && has.IPv4.Remote == want.IPv4.Remote {
			h.twice = fmt.Errorf("%s and %s have a peer with %v", other, l.Device, want.IPv4.Remote)
		}
	}
	h.now[l.Device] = want
	return h.configureErr
}

func (h *host) Close(l pppoe.SessionInfo, _ pppoe.Addressing) {
	time.Sleep(h.slow)
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.now, l.Device)
}

func (h *host) device(t *testing.T, name string) *tuntest.Device {
	h.mu.Lock()
	defer h.mu.Unlock()
	d := h.devices[name]
	if d == nil {
		t.Fatalf("no device %s was made", name)
	}
	return d
}

// eventLog records events.
type eventLog struct {
	mu     sync.Mutex
	events []pppoe.Event
	infos  []pppoe.SessionInfo // of the events
}

func (j *eventLog) record(info pppoe.SessionInfo, e pppoe.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.infos = append(j.infos, info)
	j.events = append(j.events, e)
}

// key returns the key of the session that had the last event.
func (j *eventLog) key() pppoe.SessionKey {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.infos[len(j.infos)-1].Key()
}

// last returns the last event of a type.
func last[E any](j *eventLog) (found E, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range slices.Backward(j.events) {
		if found, ok = e.(E); ok {
			return found, true
		}
	}
	return found, false
}

func count[E any](j *eventLog) (n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.events {
		if _, ok := e.(E); ok {
			n++
		}
	}
	return n
}

// accounts is an Authenticator over a map.
type accounts map[string]string

func (a accounts) Authenticate(_ context.Context, _ pppoe.SessionInfo, p ppp.AuthResponse) pppoe.AuthResult {
	secret, known := a[p.User()]
	message, ok := p.Verify([]byte(secret))
	return pppoe.AuthResult{AuthResult: ppp.AuthResult{Accepted: known && ok, Message: message}}
}

// lab is a client and a server on one segment.
type lab struct {
	t            *testing.T
	segment      *ethertest.Segment
	clientHost   *host
	serverHost   *host
	client       pppoe.ClientConfig
	server       pppoe.ServerConfig
	clientEvents eventLog
	serverEvents eventLog
	dialer       *pppoe.Client
	clientErr    error
	running      sync.WaitGroup
	stopClient   context.CancelFunc
	stopServer   context.CancelFunc
}

func newLab(t *testing.T, cfg ethertest.Config) *lab {
	l := &lab{t: t, segment: ethertest.New(cfg), clientHost: newHost("ppp"), serverHost: newHost("ppp")}
	l.client = pppoe.ClientConfig{
		Interface: "c",
		OpenPorts: func() (pppoe.Ports, error) { return l.segment.Ports(clientAddr), nil },
		Session: session.Config{
			Credentials: ppp.Credentials{
				Name:   "testuser",
				Secret: func(string) ([]byte, bool) { return []byte("testpassword"), true },
			},
			IPv4: &ipcp.Config{RequestDNS: true},
			IPv6: &ipv6cp.Config{},
		},
		Network: l.clientHost,
		Notify:  l.clientEvents.record,
	}
	l.client.Session.LCP.AllowAuth = []ppp.Method{chap.MD5, chap.MSv2, pap.Method}
	l.server = pppoe.ServerConfig{
		Concentrator: discovery.ConcentratorConfig{ACName: "ac"},
		Session: session.Config{
			Name: "ac",
			IPv4: &ipcp.Config{
				Local: netip.MustParseAddr("192.0.2.1"),
				DNS:   [2]netip.Addr{netip.MustParseAddr("192.0.2.53")},
			},
			IPv6: &ipv6cp.Config{},
		},
		Pool:          pppoe.Pool{Max: 4, First: netip.MustParseAddr("192.0.2.10")},
		Authenticator: accounts{"testuser": "testpassword"},
		Network:       l.serverHost,
		Notify:        l.serverEvents.record,
	}
	l.server.Session.LCP.RequireAuth = []ppp.Method{chap.MD5}
	return l
}

func (l *lab) startServer() *pppoe.Server { return l.startServerAt(serverAddr) }

func (l *lab) startServerAt(addr wire.Addr) *pppoe.Server {
	return l.startServerOn(l.segment.Ports(addr))
}

func (l *lab) startServerOn(ports pppoe.Ports) *pppoe.Server {
	return l.startListener(pppoe.Listener{Interface: "s", Ports: ports})
}

func (l *lab) newClient() *pppoe.Client {
	c, err := pppoe.NewClient(l.client)
	if err != nil {
		l.t.Fatal(err)
	}
	return c
}

func (l *lab) startClient() {
	ctx, stop := context.WithCancel(context.Background())
	l.stopClient = stop
	c := l.newClient()
	l.dialer = c
	l.running.Go(func() { l.clientErr = c.Run(ctx) })
}

// stop ends both and checks that nothing is left behind.
func (l *lab) stop() {
	l.stopClient()
	synctest.Wait()
	time.Sleep(time.Minute) // virtual time: for the session's end
	l.stopServer()
	l.running.Wait()
	l.clientHost.mu.Lock()
	defer l.clientHost.mu.Unlock()
	l.serverHost.mu.Lock()
	defer l.serverHost.mu.Unlock()
	if l.serverHost.twice != nil {
		l.t.Error(l.serverHost.twice)
	}
	for side, h := range map[string]*host{"client": l.clientHost, "server": l.serverHost} {
		if len(h.now) > 0 {
			l.t.Errorf("the %s leaves addresses: %v", side, h.now)
		}
		for name, d := range h.devices {
			select {
			case <-d.Closed():
			default:
				l.t.Errorf("the %s leaves device %s open", side, name)
			}
		}
	}
}

var (
	pingFromClient = ipv4("192.0.2.10", "203.0.113.254")
	pingFromServer = ipv4("203.0.113.254", "192.0.2.10")
)

// ipv4 returns the shortest IPv4 packet.
func ipv4(src, dst string) []byte {
	p := make([]byte, 20)
	p[0], p[3] = 0x45, 20
	s, d := netip.MustParseAddr(src).As4(), netip.MustParseAddr(dst).As4()
	copy(p[12:], s[:])
	copy(p[16:], d[:])
	return p
}

// exchange sends one packet each way and checks that it arrives.
func (l *lab) exchange() {
	l.t.Helper()
	c, s := l.clientHost.device(l.t, "ppp0"), l.serverHost.device(l.t, "ppp0")
	c.Inject(pingFromClient)
	s.Inject(pingFromServer)
	synctest.Wait()
	for _, way := range []struct {
		to   *tuntest.Device
		want []byte
	}{{s, pingFromClient}, {c, pingFromServer}} {
		select {
		case got := <-way.to.Received():
			if !slices.Equal(got, way.want) {
				l.t.Errorf("carried % x, want % x", got, way.want)
			}
		default:
			l.t.Errorf("a packet was not carried")
		}
	}
}
