package ipv6

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/mdlayher/ndp"

	"upppoe/internal/ipv6/lifetime"
	"upppoe/internal/ipv6/netif"
	"upppoe/internal/ipv6/radv"
)

// grantOtherPrefix is like grantLeases with another prefix.
func grantOtherPrefix(m *dhcpv6.Message) *dhcpv6.Message {
	r := grantLeases(m)
	if ia := r.Options.OneIAPD(); ia != nil {
		_, n, _ := net.ParseCIDR("2001:db8:200::/56")
		ia.Options.Options = dhcpv6.Options{&dhcpv6.OptIAPrefix{Prefix: n, PreferredLifetime: 100 * time.Second, ValidLifetime: 100 * time.Second}}
	}
	return r
}

// TestStaleAfterCrash: the prefix of a session that a crash has ended is advertised as stale from
// the start of the next session, before there is another prefix and together with it, until hosts
// cannot use it any more.
func TestStaleAfterCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "eth0.0.lans")
		w := start(t, func(w *fakeNetwork) {
			w.serverSide, w.cfg.LANs[1].Advertise, w.cfg.PrefixFile = grantLeases, true, path
		})
		w.Advance(routerTimeout)
		text, err := os.ReadFile(path)
		if want := `[{"interface":"lan1","prefix":"2001:db8:100:5::/64"}]` + "\n"; err != nil || string(text) != want {
			t.Errorf("file has %q, %v, want %q", text, err, want)
		}
		w.finish(ErrLinkGone)
		// The file as the crash has left it.
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		w = start(t, func(w *fakeNetwork) {
			w.serverSide, w.cfg.LANs[1].Advertise, w.cfg.PrefixFile = grantOtherPrefix, true, path
		})
		const stale = "lan1 0s 2001:db8:100:5:: for 0s"
		if !slices.Equal(w.advertised, []string{stale}) {
			t.Errorf("at first advertised %q", w.advertised)
		}
		w.Advance(5 * time.Second)
		if last := w.advertised[len(w.advertised)-1]; !strings.HasPrefix(last, "lan1 30m0s 2001:db8:200:5:: for 1m") || !strings.HasSuffix(last, "s 2001:db8:100:5:: for 0s") {
			t.Errorf("then advertised %q", last)
		}
		for _, text := range w.advertisedIn(90*time.Minute - 6*time.Second) {
			if !strings.Contains(text, " 2001:db8:100:5:: for 0s") {
				t.Errorf("in the meantime advertised %q", text)
			}
		}
		w.advertisedIn(2 * time.Second)
		for _, text := range w.advertisedIn(time.Hour) {
			if strings.Contains(text, " 2001:db8:100:5::") {
				t.Errorf("in the end advertised %q", text)
			}
		}
		w.finish(ErrLinkGone)
	})
}

// advertisedIn advances the time, and returns what has been advertised meanwhile.
func (w *fakeNetwork) advertisedIn(d time.Duration) []string {
	before := len(w.advertised)
	w.Advance(d)
	return w.advertised[before:]
}

// TestStaleBetweenSessions: stale prefixes are advertised between sessions and after them; a prefix
// that is assigned again is current.
func TestStaleBetweenSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "eth0.0.lans")
		set := func(w *fakeNetwork) {
			w.serverSide, w.cfg.LANs[1].Advertise, w.cfg.PrefixFile = grantLeases, true, path
		}
		w := start(t, set)
		w.Advance(routerTimeout)
		w.finish(ErrLinkGone)
		told := len(w.advertised)
		n := newLANRouter(time.Now(), &w.cfg, w, rand.New(rand.NewPCG(1, 2)), noError(t))
		ctx, end := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			n.advertiseStale(ctx, netif.Inputs{Packets: w.Packets, Changes: w.Changes})
			close(done)
		}()
		w.Advance(time.Minute)
		if got := len(w.advertised) - told; got < 3 || w.advertised[told] != "lan1 0s 2001:db8:100:5:: for 0s" {
			t.Errorf("between sessions advertised %q", w.advertised[told:])
		}
		told = len(w.advertised)
		b, _ := ndp.MarshalMessage(&ndp.RouterSolicitation{})
		w.Packets <- netif.Packet{Interface: "lan1", Packet: radv.Packet{Data: b, Source: netip.MustParseAddr("fe80::9"), HopLimit: 255}}
		w.Advance(500 * time.Millisecond)
		w.replaced = "lan1"
		w.Changes <- struct{}{}
		w.Advance(0)
		if got := len(w.advertised) - told; got < 2 {
			t.Errorf("after a solicitation and a new interface, advertised %d times", got)
		}
		w.replaced = ""
		end()
		<-done
		w = start(t, set)
		w.Advance(4 * time.Second)
		if last := w.advertised[len(w.advertised)-1]; !strings.HasPrefix(last, "lan1 30m0s 2001:db8:100:5:: for 1m") || strings.Contains(last, "for 0s") {
			t.Errorf("of the same prefix advertised %q", last)
		}
		w.finish(ErrLinkGone)
		// Without another session it expires, and the file is removed.
		n = newLANRouter(time.Now(), &w.cfg, w, rand.New(rand.NewPCG(1, 2)), noError(t))
		before := time.Now()
		n.advertiseStale(t.Context(), netif.Inputs{})
		if took := time.Since(before); took < 100*time.Second || took > 100*time.Second+radv.DefaultInterval {
			t.Errorf("advertised for %v, want the valid lifetime, 100s", took)
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the file is left: %v", err)
		}
		w.cfg.LANs[1].Advertise = true
		if err := AdvertiseStale(t.Context(), w.cfg); err != nil {
			t.Errorf("without anything: %v", err)
		}
	})
}

func noError(t *testing.T) func(string, error) {
	return func(what string, err error) {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestPrefixStore: lifetimes in a file are limited.
func TestPrefixStore(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	path := filepath.Join(t.TempDir(), "lans")
	s := &prefixStore{path: path}
	load := func(text string) (map[string][]radv.AdvertisedPrefix, error) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return s.load(now)
	}
	for until, want := range map[string]time.Duration{
		"":                     90 * time.Minute, // current
		"2026-01-02T03:04:06Z": time.Second,
		"2026-01-02T03:04:05Z": 0,
		"2026-01-01T00:00:00Z": 0,
		"2036-01-02T03:04:05Z": 90 * time.Minute, // a clock was wrong
	} {
		text := fmt.Sprintf(`[{"interface":"lan0","prefix":"2001:db8::/64","until":%q}]`, until)
		if until == "" {
			text = `[{"interface":"lan0","prefix":"2001:db8::/64"}]`
		}
		got, err := load(text)
		if err != nil || len(got["lan0"]) != min(int(want), 1) || want > 0 && got["lan0"][0] != (radv.AdvertisedPrefix{Prefix: pfx("2001:db8::/64"), Lifetime: lifetime.Lifetime{Preferred: now, Valid: now.Add(want)}}) {
			t.Errorf("%q: %v, %v", until, got, err)
		}
	}
	if got, err := load("["); err == nil || !strings.Contains(err.Error(), path) || got != nil {
		t.Errorf("invalid content: %v, %v", got, err)
	}
	if err := s.save(now, nil); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the invalid file is left: %v", err)
	}
	if got, err := s.load(now); got != nil || err != nil {
		t.Errorf("without anything: %v, %v", got, err)
	}
	none := &prefixStore{}
	if got, err := none.load(now); got != nil || err != nil || none.save(now, nil) != nil {
		t.Errorf("without a file: %v, %v", got, err)
	}
	// LANs that are not configured and invalid prefixes are ignored.
	cfg := testConfig()
	cfg.PrefixFile, cfg.LANs[0].Advertise, cfg.Log = path, true, slog.New(slog.DiscardHandler)
	load(`[{"interface":"lan9","prefix":"2001:db8::/64"},{"interface":"lan0","prefix":"fe80::/64"}]`)
	if n := newLANRouter(now, &cfg, nil, rand.New(rand.NewPCG(1, 2)), noError(t)); n.hasStale(now) {
		t.Errorf("stale are %v", n.lans[0].advertiser.StalePrefixes(now))
	}
}
