package server

import (
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/mdlayher/ndp"

	"upppoe/internal/ipv6/assign"
	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/netif"
	"upppoe/internal/ipv6/netif/netiftest"
	"upppoe/internal/ipv6/radv"
)

var peer = netip.MustParseAddr("fe80::2")

func pfx(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func newPool(t testing.TB, base string, bits int) *assign.Pool {
	t.Helper()
	p, err := assign.NewPool(pfx(base), bits)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// fakeNetwork is a network in memory.
type fakeNetwork struct {
	*netiftest.Session[assign.State]
	cfg Config
	// unreachable is an address to which replies cannot be sent.
	unreachable netip.Addr
	advertised  []radv.Message
	replies     []netif.Datagram
}

func (w *fakeNetwork) Advertise(m radv.Message) error {
	w.Turn.Load()
	w.advertised = append(w.advertised, m)
	return nil
}

func (w *fakeNetwork) Reply(d netif.Datagram) error {
	if w.unreachable == d.Peer.Addr() {
		return errors.New("network is unreachable")
	}
	w.Turn.Load()
	w.replies = append(w.replies, d)
	return nil
}

func testConfig(t testing.TB) Config {
	return Config{
		Device: "ppp0", Remote: peer, Key: "alice", Log: slog.New(slog.DiscardHandler), Config: assign.Config{
			DUID: dhcp6.DUID{0, 3, 0, 1, 1}, Networks: newPool(t, "2001:db8:1::/64", 64), Addresses: newPool(t, "2001:db8:2::/127", 128), Prefixes: newPool(t, "2001:db8:100::/56", 56)},
	}
}

// start runs a session. It must be called in a synctest bubble.
func start(t *testing.T, change func(*fakeNetwork)) *fakeNetwork {
	w := &fakeNetwork{Session: netiftest.New[assign.State](t), cfg: testConfig(t)}
	w.cfg.Log, w.cfg.Notify = w.Logger(), w.Notify
	change(w)
	if err := w.cfg.check(); err != nil {
		t.Fatal(err)
	}
	l, err := newSession(&w.cfg, w, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	w.Start(l.run)
	return w
}

// finish ends the session, and checks that it leaves nothing behind.
func (w *fakeNetwork) finish(cause error) {
	w.T.Helper()
	w.End(cause)
	if w.Last() != (assign.State{}) {
		w.T.Errorf("the last state reported is %+v", w.Last())
	}
	for _, p := range []*assign.Pool{w.cfg.Networks, w.cfg.Addresses, w.cfg.Prefixes} {
		if p != nil && p.Used() > 0 {
			w.T.Errorf("pool %v: %d are not freed", p, p.Used())
		}
	}
}

// request sends a client's message, and returns the reply.
func (w *fakeNetwork) request(kind dhcpv6.MessageType, options ...dhcpv6.Option) *dhcpv6.Message {
	w.T.Helper()
	m := &dhcpv6.Message{MessageType: kind}
	m.AddOption(&dhcpv6.OptionGeneric{OptionCode: dhcpv6.OptionClientID, OptionData: []byte{0, 3, 0, 1, 2}})
	if kind != dhcpv6.MessageTypeSolicit {
		m.AddOption(&dhcpv6.OptionGeneric{OptionCode: dhcpv6.OptionServerID, OptionData: w.cfg.DUID})
	}
	for _, o := range options {
		m.AddOption(o)
	}
	before := len(w.replies)
	w.Datagrams <- netif.Datagram{Data: m.ToBytes(), Peer: netip.AddrPortFrom(peer, 12345)}
	synctest.Wait()
	if len(w.replies) != before+1 {
		w.T.Fatalf("%v has %d answers", kind, len(w.replies)-before)
	}
	last := w.replies[before]
	if last.Peer != netip.AddrPortFrom(peer, dhcp6.ClientPort) {
		w.T.Errorf("the answer goes to %v", last.Peer)
	}
	r, err := dhcpv6.MessageFromBytes(last.Data)
	if err != nil {
		w.T.Fatal(err)
	}
	return r
}

func (w *fakeNetwork) lastRA() *ndp.RouterAdvertisement {
	w.T.Helper()
	m, err := ndp.ParseMessage(w.advertised[len(w.advertised)-1].Data)
	if err != nil {
		w.T.Fatal(err)
	}
	return m.(*ndp.RouterAdvertisement)
}

func key(p string) netif.RouteKey { return netif.RouteKey{To: pfx(p), Device: "ppp0"} }

// TestSession: the prefix is advertised from the start; routes to leases exist as long as the
// leases.
func TestSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(*fakeNetwork) {})
		if ra := w.lastRA(); len(w.advertised) != 1 || !ra.ManagedConfiguration || !ra.OtherConfiguration || ra.RouterLifetime != 30*time.Minute || len(ra.Options) != 1 {
			t.Errorf("advertised %d times, %+v", len(w.advertised), ra)
		}
		if _, ok := w.Set.Routes[key("2001:db8:1::/64")]; !ok || len(w.Set.Routes) != 1 {
			t.Errorf("routes are %v", w.Set.Routes)
		}
		w.request(dhcpv6.MessageTypeSolicit, &dhcpv6.OptIANA{}, &dhcpv6.OptIAPD{})
		if len(w.Set.Routes) != 1 {
			t.Errorf("after a mere offer routes are %v", w.Set.Routes)
		}
		w.request(dhcpv6.MessageTypeRequest, &dhcpv6.OptIANA{}, &dhcpv6.OptIAPD{})
		if w.Set.Routes[key("2001:db8:100::/56")].Gateway != peer || w.Set.Routes[key("2001:db8:2::1/128")].Gateway.IsValid() || len(w.Set.Routes) != 3 {
			t.Errorf("routes are %v", w.Set.Routes)
		}
		want := assign.State{Network: pfx("2001:db8:1::/64"), Address: pfx("2001:db8:2::1/128"), Delegated: pfx("2001:db8:100::/56")}
		if got := w.Last(); got != want || len(w.States) != 2 {
			t.Errorf("reported %+v", w.States)
		}
		w.request(dhcpv6.MessageTypeRelease, &dhcpv6.OptIAPD{})
		if _, ok := w.Set.Routes[key("2001:db8:100::/56")]; ok || len(w.Set.Routes) != 2 {
			t.Errorf("after the release routes are %v", w.Set.Routes)
		}
		w.finish(nil)
		if ra := w.lastRA(); ra.RouterLifetime != 0 {
			t.Errorf("the last advertisement is %+v", ra)
		}
	})
}

func TestLeaseExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(w *fakeNetwork) { w.cfg.Valid, w.cfg.Preferred = time.Hour, time.Minute })
		w.request(dhcpv6.MessageTypeRequest, &dhcpv6.OptIAPD{})
		w.Advance(time.Hour - time.Second)
		if len(w.Set.Routes) != 2 {
			t.Errorf("before its end routes are %v", w.Set.Routes)
		}
		w.Advance(2 * time.Second)
		if len(w.Set.Routes) != 1 {
			t.Errorf("after its end routes are %v", w.Set.Routes)
		}
		w.finish(nil)
	})
}

// TestExhausted: a session without a prefix is served the rest; the log names the exhausted pool.
func TestExhausted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var other netip.Prefix
		w := start(t, func(w *fakeNetwork) { other, _ = w.cfg.Networks.Allocate("bob") })
		if len(w.Set.Routes) > 0 || len(w.lastRA().Options) > 0 {
			t.Errorf("routes are %v", w.Set.Routes)
		}
		if !strings.Contains(w.Log.String(), "address pool exhausted: 2001:db8:1::/64 in /64: all prefixes are in use") {
			t.Errorf("the log says %s", &w.Log)
		}
		w.cfg.Networks.Free(other)
		w.finish(nil)
	})
}

func TestLinkGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(*fakeNetwork) {})
		w.finish(ErrLinkGone)
		if len(w.advertised) != 1 {
			t.Errorf("advertised %d times", len(w.advertised))
		}
	})
}

// TestRetry: a route that could not be set is tried again, and logged once.
func TestRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(w *fakeNetwork) { w.ApplyError = errors.New("no route") })
		w.Advance(16 * time.Second)
		if n := strings.Count(w.Log.String(), "ppp0: no route; trying again"); n != 1 {
			t.Errorf("the log says %s", &w.Log)
		}
		w.finish(nil)
	})
}

func TestSocketFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(*fakeNetwork) {})
		w.Fail()
		if w.cfg.Networks.Used() > 0 {
			t.Error("the prefix is not freed")
		}
	})
}

func TestBadConfig(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"no device":          func(c *Config) { c.Device = "" },
		"not link-local":     func(c *Config) { c.Remote = netip.MustParseAddr("2001:db8::1") },
		"no DUID":            func(c *Config) { c.DUID = nil },
		"network of 56 bits": func(c *Config) { c.Networks = c.Prefixes },
		"address of 64 bits": func(c *Config) { c.Addresses = c.Networks },
		"prefix of 128 bits": func(c *Config) { c.Prefixes = c.Addresses },
		"preferred too long": func(c *Config) { c.Preferred, c.Valid = 2*time.Hour, time.Hour },
		"no lifetime":        func(c *Config) { c.Preferred = time.Millisecond },
	} {
		cfg := testConfig(t)
		if err := cfg.check(); err != nil {
			t.Fatal(err)
		}
		spoil(&cfg)
		if err := Run(t.Context(), cfg); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	cfg := testConfig(t)
	cfg.Interval = time.Second
	if _, err := newSession(&cfg, &fakeNetwork{}, rand.New(rand.NewPCG(1, 2))); !errors.Is(err, radv.ErrConfig) || cfg.Networks.Used() > 0 {
		t.Errorf("an interval of 1s: %v", err)
	}
}

// TestReplyAddress: a reply is sent to the source of the message, or, if that fails, to the peer's
// link-local address; if that fails too, it is lost.
func TestReplyAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(*fakeNetwork) {})
		global, port := netip.MustParseAddr("2001:db8:1::9"), uint16(546)
		solicit := &dhcpv6.Message{MessageType: dhcpv6.MessageTypeSolicit}
		solicit.AddOption(&dhcpv6.OptionGeneric{OptionCode: dhcpv6.OptionClientID, OptionData: []byte{0, 3, 0, 1, 2}})
		for _, c := range []struct{ source, unreachable, want netip.Addr }{
			{global, netip.Addr{}, global}, {global, global, peer}, {peer, netip.Addr{}, peer}, {peer, peer, netip.Addr{}},
		} {
			w.replies, w.unreachable = nil, c.unreachable
			w.Datagrams <- netif.Datagram{Data: solicit.ToBytes(), Peer: netip.AddrPortFrom(c.source, 9)}
			synctest.Wait()
			if len(w.replies) > 1 || (len(w.replies) == 1) != c.want.IsValid() || c.want.IsValid() && w.replies[0].Peer != netip.AddrPortFrom(c.want, port) {
				t.Errorf("%+v: answered %v", c, w.replies)
			}
		}
		w.finish(ErrLinkGone)
	})
}

// TestLeasesLogged: leases and their ends are logged, a repetition at level debug; an exhausted
// pool, too.
func TestLeasesLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(w *fakeNetwork) { w.cfg.Addresses.Allocate("another") })
		for range 3 {
			w.request(dhcpv6.MessageTypeRequest, &dhcpv6.OptIAPD{}, &dhcpv6.OptIANA{})
			w.request(dhcpv6.MessageTypeRelease, &dhcpv6.OptIAPD{})
		}
		w.request(dhcpv6.MessageTypeRequest, &dhcpv6.OptIAPD{})
		for text, want := range map[string]int{
			"level=INFO msg=\"ppp0: advertised prefix 2001:db8:1::/64\"": 1, "level=INFO msg=\"ppp0: DHCPv6 lease of prefix 2001:db8:100::/56\"": 1,
			"level=INFO msg=\"ppp0: DHCPv6 lease of prefix 2001:db8:100::/56 has ended\"": 1, "level=WARN msg=\"ppp0: address pool exhausted: 2001:db8:2::/127": 1,
		} {
			if got := strings.Count(w.Log.String(), text); got != want {
				t.Errorf("%s is logged %d times, want %d:\n%s", text, got, want, &w.Log)
			}
		}
		w.cfg.Addresses.Free(netip.MustParsePrefix("2001:db8:2::1/128"))
		w.finish(ErrLinkGone)
	})
}

// TestFixed: what is fixed is assigned instead of prefixes of the pools; not what another session has.
func TestFixed(t *testing.T) {
	cfg := testConfig(t)
	cfg.Fixed = assign.State{Network: pfx("2001:db8:1::/64"), Delegated: pfx("2001:db8:ff::/48")}
	w := &fakeNetwork{Session: netiftest.New[assign.State](t), cfg: cfg}
	first, err := newSession(&w.cfg, w, rand.New(rand.NewPCG(1, 2)))
	if err != nil || first.prefix != cfg.Fixed.Network {
		t.Fatalf("%v, %v", first.prefix, err)
	}
	if p, err := first.assign(cfg.Prefixes, assign.Prefixes, cfg.Fixed.Delegated); err != nil || p != cfg.Fixed.Delegated {
		t.Errorf("%v, %v", p, err)
	}
	second, err := newSession(&w.cfg, w, rand.New(rand.NewPCG(1, 2)))
	if err != nil || second.prefix.IsValid() {
		t.Errorf("the second session has %v, %v", second.prefix, err)
	}
	first.freeAll()
	if !cfg.Networks.Reserve(cfg.Fixed.Network) {
		t.Error("a fixed network is not freed")
	}
	bad := cfg
	bad.Fixed.Network = pfx("2001:db8:2::/64")
	if err := bad.check(); !errors.Is(err, ErrConfig) {
		t.Errorf("a network of the pool of addresses: %v", err)
	}
}
