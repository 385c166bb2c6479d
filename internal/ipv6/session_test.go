package ipv6

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/mdlayher/ndp"

	"upppoe/internal/ipv6/lifetime"
	"upppoe/internal/ipv6/netif"
	"upppoe/internal/ipv6/netif/netiftest"
	"upppoe/internal/ipv6/radv"
)

// fakeNetwork is a network in memory.
type fakeNetwork struct {
	*netiftest.Session[State]
	cfg        Config
	verified   int
	advertised []string // on LANs: name, router lifetime and prefixes
	replaced   string   // the LAN whose interface is replaced
	solicited  int
	sent       []*dhcpv6.Message
	unsendable int                                   // so many DHCPv6 messages fail to be sent
	serverSide func(*dhcpv6.Message) *dhcpv6.Message // nil: no server answers
}

func (w *fakeNetwork) Solicit(radv.Message) error {
	w.Turn.Load()
	w.solicited++
	return nil
}

func (w *fakeNetwork) Advertise(lan string, m radv.Message) error {
	w.Turn.Load()
	parsed, err := ndp.ParseMessage(m.Data)
	if err != nil {
		w.T.Error(err)
		return err
	}
	ra := parsed.(*ndp.RouterAdvertisement)
	text := fmt.Sprintf("%s %v", lan, ra.RouterLifetime)
	for _, o := range ra.Options {
		if p, ok := o.(*ndp.PrefixInformation); ok {
			text += fmt.Sprintf(" %v for %v", p.Prefix, p.PreferredLifetime)
		}
	}
	w.advertised = append(w.advertised, text)
	return w.ApplyError
}

func (w *fakeNetwork) Replaced(lan string) bool { return lan == w.replaced }

func (w *fakeNetwork) Verify() error {
	w.verified++
	return nil
}

func (w *fakeNetwork) SendDHCP(data []byte) error {
	w.Turn.Load()
	m, err := dhcpv6.MessageFromBytes(data)
	if err != nil {
		w.T.Error(err)
	}
	w.sent = append(w.sent, m)
	if w.unsendable > 0 {
		w.unsendable--
		return errors.New("cannot assign requested address")
	}
	if w.serverSide != nil {
		if reply := w.serverSide(m); reply != nil {
			w.Datagrams <- netif.Datagram{Data: reply.ToBytes()}
		}
	}
	return nil
}

// start runs a session. It must be called in a synctest bubble.
func start(t *testing.T, change func(*fakeNetwork)) *fakeNetwork {
	w := &fakeNetwork{Session: netiftest.New[State](t), cfg: testConfig()}
	w.cfg.Log, w.cfg.Notify = w.Logger(), w.Notify
	change(w)
	if err := w.cfg.check(); err != nil {
		t.Fatal(err)
	}
	w.Start(newSession(&w.cfg, w, rand.New(rand.NewPCG(1, 2))).run)
	return w
}

// finish ends the session, and checks that it leaves nothing behind.
func (w *fakeNetwork) finish(cause error) {
	w.T.Helper()
	w.End(cause)
	if !w.Last().sameButLifetimes(State{}) {
		w.T.Errorf("the last state reported is %+v", w.Last())
	}
}

func (w *fakeNetwork) advertise(ra *ndp.RouterAdvertisement) {
	w.T.Helper()
	b, err := ndp.MarshalMessage(ra)
	if err != nil {
		w.T.Fatal(err)
	}
	w.Packets <- netif.Packet{Interface: "ppp0", Packet: radv.Packet{Data: b, Source: netip.MustParseAddr("fe80::1"), HopLimit: 255}}
	synctest.Wait()
}

func (w *fakeNetwork) kinds() string {
	var names []string
	for _, m := range w.sent {
		names = append(names, m.MessageType.String())
	}
	return strings.Join(names, " ")
}

// grantLeases answers every message with 2001:db8:2::5 and 2001:db8:100::/56, for 100 s.
func grantLeases(m *dhcpv6.Message) *dhcpv6.Message {
	r := &dhcpv6.Message{MessageType: dhcpv6.MessageTypeReply, TransactionID: m.TransactionID}
	r.AddOption(m.GetOneOption(dhcpv6.OptionClientID))
	r.AddOption(&dhcpv6.OptionGeneric{OptionCode: dhcpv6.OptionServerID, OptionData: []byte{0, 3, 0, 1, 9}})
	r.AddOption(&dhcpv6.OptionGeneric{OptionCode: dhcpv6.OptionRapidCommit})
	r.AddOption(dhcpv6.OptDNS(net.ParseIP("2001:db8::53")))
	const life = 100 * time.Second
	if ia := m.Options.OneIANA(); ia != nil {
		o := &dhcpv6.OptIANA{IaId: ia.IaId}
		o.Options.Add(&dhcpv6.OptIAAddress{IPv6Addr: net.ParseIP("2001:db8:2::5"), PreferredLifetime: life, ValidLifetime: life})
		r.AddOption(o)
	}
	if ia := m.Options.OneIAPD(); ia != nil {
		o := &dhcpv6.OptIAPD{IaId: ia.IaId}
		_, n, _ := net.ParseCIDR("2001:db8:100::/56")
		o.Options.Add(&dhcpv6.OptIAPrefix{Prefix: n, PreferredLifetime: life, ValidLifetime: life})
		r.AddOption(o)
	}
	return r
}

// slaac returns an advertisement with a prefix and flags.
func slaac(managed, other bool) *ndp.RouterAdvertisement {
	return &ndp.RouterAdvertisement{
		RouterLifetime: 30 * time.Minute, ManagedConfiguration: managed, OtherConfiguration: other,
		Options: []ndp.Option{&ndp.PrefixInformation{
			Prefix: netip.MustParseAddr("2001:db8:1::"), PrefixLength: 64, AutonomousAddressConfiguration: true,
			PreferredLifetime: time.Hour, ValidLifetime: time.Hour,
		}},
	}
}

// TestDeviceDefaultRoute: the default route exists at once, and a prefix is requested without a
// router.
func TestDeviceDefaultRoute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(w *fakeNetwork) { w.serverSide = grantLeases })
		if len(w.Set.Routes) != 1 || w.solicited != 1 || len(w.sent) != 0 {
			t.Errorf("at first: routes %v, solicited %d times, asked %s", w.Set.Routes, w.solicited, w.kinds())
		}
		w.Advance(routerTimeout)
		last := w.Last()
		if w.kinds() != "SOLICIT" || len(last.Delegated) != 1 || len(last.LANs) != 2 || len(last.Addresses) != 0 || last.DHCP != "bound" {
			t.Errorf("asked %s, got %+v", w.kinds(), last)
		}
		w.finish(nil)
		if w.kinds() != "SOLICIT RELEASE" {
			t.Errorf("asked %s", w.kinds())
		}
	})
}

// TestMissingDefaultRouteLogged: a lease without a default router is logged once, with advice; not
// before the router timeout, and not if no default route is configured.
func TestMissingDefaultRouteLogged(t *testing.T) {
	const advice = "no IPv6 default route: no router advertises itself"
	for name, c := range map[string]struct {
		change func(*Config)
		router bool
		want   int
	}{
		"wanted":               {func(c *Config) {}, false, 1},
		"wanted in any case":   {func(c *Config) { c.DeviceDefaultRoute = true }, false, 0},
		"not wanted":           {func(c *Config) { c.DefaultRoute = false }, false, 0},
		"a router":             {func(c *Config) {}, true, 0},
		"nothing to route for": {func(c *Config) { c.RequestPrefix, c.LANs = false, nil }, false, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := start(t, func(w *fakeNetwork) {
				w.serverSide, w.cfg.DeviceDefaultRoute = grantLeases, false
				c.change(&w.cfg)
			})
			if c.router {
				w.advertise(slaac(false, false))
			}
			w.Advance(routerTimeout - 1)
			if strings.Contains(w.Log.String(), advice) {
				t.Errorf("%s: logged before the router timeout", name)
			}
			w.Advance(time.Minute) // leases are renewed
			if n := strings.Count(w.Log.String(), advice); n != c.want {
				t.Errorf("%s: logged %d times, want %d: %s", name, n, c.want, w.Log.String())
			}
			w.finish(nil)
		})
	}
}

// TestManagedFlag: the managed flag requests an address at once, together with the prefix.
func TestManagedFlag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(w *fakeNetwork) { w.serverSide = grantLeases })
		w.advertise(slaac(true, false))
		last := w.Last()
		if w.kinds() != "SOLICIT" || len(last.Addresses) != 2 || last.Addresses[1].Origin != DHCPv6 || len(last.Delegated) != 1 {
			t.Errorf("asked %s, got %+v", w.kinds(), last)
		}
		if !slices.Equal(last.NameServers, []netip.Addr{netip.MustParseAddr("2001:db8::53")}) || last.DefaultRoute.Gateway.String() != "fe80::1" {
			t.Errorf("got %+v", last)
		}
		told := len(w.States)
		w.Advance(time.Minute) // renewed after 50 s
		if w.kinds() != "SOLICIT RENEW" || len(w.States) != told {
			t.Errorf("asked %s, notified %d times more for lifetimes alone", w.kinds(), len(w.States)-told)
		}
		w.finish(nil)
	})
}

// TestOtherConfigFlag: only name servers are requested, and nothing is released.
func TestOtherConfigFlag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(w *fakeNetwork) { w.serverSide, w.cfg.RequestPrefix, w.cfg.LANs = grantLeases, false, nil })
		w.Advance(2 * routerTimeout)
		if len(w.sent) != 0 {
			t.Errorf("asked %s though no flag requests it", w.kinds())
		}
		w.advertise(slaac(false, true))
		if last := w.Last(); w.kinds() != "INFORMATION-REQUEST" || len(last.NameServers) != 1 || len(last.Addresses) != 1 {
			t.Errorf("asked %s, got %+v", w.kinds(), last)
		}
		w.finish(nil)
		if w.kinds() != "INFORMATION-REQUEST" {
			t.Errorf("asked %s", w.kinds())
		}
	})
}

func TestNoDHCP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(w *fakeNetwork) { w.cfg.NoDHCP, w.cfg.RequestPrefix, w.cfg.LANs = true, false, nil })
		w.advertise(slaac(true, true))
		w.Advance(time.Minute)
		if len(w.sent) > 0 || len(w.Set.Addresses) != 1 {
			t.Errorf("asked %s, set %v", w.kinds(), w.Set.Addresses)
		}
		w.finish(nil)
	})
}

// TestRouterExpires: when the router's lifetime ends, the default route goes into the device.
func TestRouterExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(*fakeNetwork) {})
		w.advertise(slaac(false, false))
		key := netif.RouteKey{To: defaultDestination, Device: "ppp0"}
		if w.Set.Routes[key].Gateway.String() != "fe80::1" {
			t.Errorf("routes are %v", w.Set.Routes)
		}
		w.Advance(30*time.Minute + time.Second)
		if r, ok := w.Set.Routes[key]; !ok || r.Gateway.IsValid() {
			t.Errorf("routes are %v", w.Set.Routes)
		}
		w.finish(nil)
	})
}

// TestReleaseTimeout: Run waits a bounded time, during which no lease is used.
func TestReleaseTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(w *fakeNetwork) { w.serverSide = grantLeases })
		w.Advance(routerTimeout)
		w.serverSide = func(*dhcpv6.Message) *dhcpv6.Message {
			if len(w.Set.Addresses)+len(w.Set.Routes)+len(w.Set.Rules) > 0 {
				t.Errorf("released while in use: %+v", w.Set)
			}
			return nil
		}
		before := time.Now()
		w.finish(nil)
		if waited := time.Since(before); waited != releaseTimeout || w.kinds() != "SOLICIT RELEASE RELEASE" {
			t.Errorf("waited %v, asked %s", waited, w.kinds())
		}
		if !strings.Contains(w.Log.String(), "ppp0: no DHCPv6 Reply to Release") {
			t.Errorf("the log says %s", &w.Log)
		}
	})
}

// TestNoRelease: no Release is sent.
func TestNoRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(w *fakeNetwork) { w.serverSide, w.cfg.NoRelease = grantLeases, true })
		w.Advance(routerTimeout)
		w.finish(nil)
		if w.kinds() != "SOLICIT" {
			t.Errorf("asked %s", w.kinds())
		}
	})
}

// TestLANRouter: the prefix is advertised at once, on solicitation, and at the end with lifetime 0;
// also if the session has ended before.
func TestLANRouter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(w *fakeNetwork) { w.serverSide, w.cfg.LANs[1].Advertise = grantLeases, true })
		if len(w.advertised) > 0 {
			t.Errorf("advertised %q though there is nothing to advertise", w.advertised)
		}
		w.Advance(routerTimeout)
		first := "lan1 30m0s 2001:db8:100:5:: for 1m40s"
		if !slices.Equal(w.advertised, []string{first}) {
			t.Errorf("advertised %q", w.advertised)
		}
		b, err := ndp.MarshalMessage(&ndp.RouterSolicitation{})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"lan0", "lan1"} {
			w.Packets <- netif.Packet{Interface: name, Packet: radv.Packet{Data: b, Source: netip.MustParseAddr("fe80::9"), HopLimit: 255}}
		}
		w.Advance(time.Second)
		if len(w.advertised) != 2 || !strings.HasPrefix(w.advertised[1], "lan1 30m0s 2001:db8:100:5:: for 1m39s") {
			t.Errorf("advertised %q", w.advertised)
		}
		w.Advance(10 * time.Minute) // renewed many times, and advertised each time
		for _, text := range w.advertised[2:] {
			if !strings.HasPrefix(text, "lan1 30m0s 2001:db8:100:5:: for ") {
				t.Errorf("advertised %q", text)
			}
		}
		if n := len(w.advertised); n < 12 || n > 20 {
			t.Errorf("advertised %d times in ten minutes", n)
		}
		w.finish(ErrLinkGone)
		if last := w.advertised[len(w.advertised)-1]; last != "lan1 0s 2001:db8:100:5:: for 0s" {
			t.Errorf("in the end advertised %q", last)
		}
	})
}

// TestLANReplaced: when a LAN's interface is replaced, its hosts need not wait for the next
// periodic advertisement.
func TestLANReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(w *fakeNetwork) { w.serverSide, w.cfg.LANs[1].Advertise = grantLeases, true })
		w.Advance(routerTimeout + 40*time.Second) // the initial advertisements have been sent
		before := len(w.advertised)
		w.Turn.Add(1)
		w.Changes <- struct{}{}
		w.Advance(0)
		if n := len(w.advertised) - before; n != 0 {
			t.Errorf("advertised %d times after an unrelated change", n)
		}
		w.replaced = "lan1"
		w.Turn.Add(1)
		w.Changes <- struct{}{}
		w.Advance(0)
		if n := len(w.advertised) - before; n != 1 || !strings.HasPrefix(w.advertised[before], "lan1 30m0s 2001:db8:100:5:: for ") {
			t.Errorf("advertised %q", w.advertised[before:])
		}
		w.replaced = ""
		w.finish(ErrLinkGone)
	})
}

func TestLinkGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(w *fakeNetwork) { w.serverSide = grantLeases })
		w.Advance(routerTimeout)
		before := time.Now()
		w.finish(ErrLinkGone)
		if time.Since(before) != 0 || w.kinds() != "SOLICIT" {
			t.Errorf("waited %v, asked %s", time.Since(before), w.kinds())
		}
	})
}

// TestRetry: what could not be set, as on a LAN that does not exist yet, is tried again, at once
// after a change, and logged once.
func TestRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(w *fakeNetwork) { w.ApplyError = errors.New("lan0: no such interface") })
		before := w.Applied
		w.Advance(16 * time.Second)
		if w.Applied < before+3 || strings.Count(w.Log.String(), "lan0: no such interface; trying again") != 1 {
			t.Errorf("tried %d times; the log says %s", w.Applied-before, &w.Log)
		}
		w.ApplyError = nil
		w.Changes <- struct{}{}
		synctest.Wait()
		before = w.Applied
		w.Advance(4 * time.Second)
		if w.Applied > before+2 || w.verified != 1 {
			t.Errorf("tried %d times more, verified %d times", w.Applied-before, w.verified)
		}
		w.finish(nil)
	})
}

// TestSocketFails: the error is returned, and nothing is left behind.
func TestSocketFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(*fakeNetwork) {})
		w.Fail()
	})
}

// TestDeprecated: the kernel gets the lifetimes that the router has advertised.
func TestDeprecated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(*fakeNetwork) {})
		now := time.Now()
		w.advertise(slaac(false, false))
		key := netif.AddressKey{Interface: "ppp0", Prefix: pfx("2001:db8:1::2/64")}
		if got := w.Set.Addresses[key]; got.Lifetime != lifetime.New(now, time.Hour, time.Hour) || got.Shared {
			t.Errorf("addresses are %v", w.Set.Addresses)
		}
		w.finish(nil)
	})
}
