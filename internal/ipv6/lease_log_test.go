package ipv6

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/lifetime"
)

// wantLog checks how often the log has each line.
func (w *fakeNetwork) wantLog(lines map[string]int) {
	w.T.Helper()
	for text, want := range lines {
		if got := strings.Count(w.Log.String(), text); got != want {
			w.T.Errorf("%s is logged %d times, want %d:\n%s", text, got, want, &w.Log)
		}
	}
}

// TestLeasesLogged: a lease and its end are logged once.
func TestLeasesLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(w *fakeNetwork) { w.serverSide, w.cfg.RequestAddress = grantLeases, true })
		w.Advance(5 * time.Minute) // renewed many times
		w.wantLog(map[string]int{
			`level=INFO msg="ppp0: DHCPv6 lease of prefix 2001:db8:100::/56, preferred lifetime 1m40s, valid lifetime 1m40s, from server 00:03:00:01:09"`:  1,
			`level=INFO msg="ppp0: DHCPv6 lease of address 2001:db8:2::5/128, preferred lifetime 1m40s, valid lifetime 1m40s, from server 00:03:00:01:09"`: 1,
			"has ended": 0,
		})
		w.finish(nil)
		w.wantLog(map[string]int{
			`level=INFO msg="ppp0: DHCPv6 lease of prefix 2001:db8:100::/56 has ended"`: 1, `level=INFO msg="ppp0: DHCPv6 lease of address 2001:db8:2::5/128 has ended"`: 1,
		})
	})
}

// rejectPrefix assigns no prefix.
func rejectPrefix(m *dhcpv6.Message) *dhcpv6.Message {
	r := grantLeases(m)
	for _, ia := range r.Options.IAPD() {
		ia.Options.Options = dhcpv6.Options{&dhcpv6.OptStatusCode{StatusCode: 6, StatusMessage: "none\nleft \x1b[31m"}}
	}
	return r
}

// TestRejectionLogged: NoPrefixAvail and the server's message, escaped, are logged once, and again
// after there has been a prefix.
func TestRejectionLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(w *fakeNetwork) { w.serverSide = rejectPrefix })
		w.Advance(time.Hour)
		line := `level=WARN msg="ppp0: DHCPv6 server 00:03:00:01:09 assigned no prefix: NoPrefixAvail \"none\\nleft \\x1b[31m\"; retrying"`
		w.wantLog(map[string]int{line: 1, "no DHCPv6 server has answered": 0})
		w.serverSide = grantLeases
		w.Advance(2 * time.Hour)
		w.serverSide = rejectPrefix
		w.Advance(time.Hour)
		w.wantLog(map[string]int{line: 2, "DHCPv6 lease of prefix 2001:db8:100::/56, pref": 1})
		w.finish(ErrLinkGone)
	})
}

// TestNoAnswerLogged: missing answers are logged after the fourth message.
func TestNoAnswerLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(*fakeNetwork) {})
		w.Advance(routerTimeout + 6*time.Second) // three, after 1 s, 2 s and 4 s
		if len(w.sent) != 3 {
			t.Fatalf("asked %s", w.kinds())
		}
		w.wantLog(map[string]int{"no DHCPv6 server": 0})
		w.Advance(time.Hour)
		w.wantLog(map[string]int{`level=WARN msg="ppp0: no DHCPv6 server answered 4 messages; retrying"`: 1})
		w.finish(nil)
	})
}

// TestLogIsBounded: a server that assigns another lease each time cannot fill the log.
func TestLogIsBounded(t *testing.T) {
	var log bytes.Buffer
	tell := newLeaseLog("ppp0", slog.New(slog.NewTextHandler(&log, nil)))
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	had := State{}
	for i := range 1000 {
		is := State{Delegated: []Prefix{{netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, byte(i), byte(i >> 8)}), 56), lifetime.Lifetime{}}}}
		tell.changed(now, &had, &is, nil)
		tell.rejected(now, []dhcp6.Rejection{{Resource: "address", Reason: fmt.Sprint(i)}})
		had = is
	}
	if got := strings.Count(log.String(), "\n"); got != 20 {
		t.Errorf("%d lines in a minute, want 20", got)
	}
	if !strings.Contains(log.String(), "preferred lifetime infinite, valid lifetime infinite") {
		t.Errorf("the log says %s", &log)
	}
	tell.changed(now.Add(time.Minute-1), &had, &State{}, nil)
	if got := strings.Count(log.String(), "\n"); got != 20 {
		t.Errorf("%d lines just before the end of the minute", got)
	}
	tell.changed(now.Add(time.Minute), &had, &State{}, nil)
	if got := log.String(); strings.Count(got, "\n") != 22 || !strings.Contains(got, "ppp0: 2980 more lines about DHCPv6 leases were not logged") {
		t.Errorf("a minute later the log says %s", got)
	}
}

// TestNoAutoconf: with a prefix alone, no address by SLAAC or by the managed flag; the default
// router is used.
func TestNoAutoconf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(w *fakeNetwork) { w.serverSide, w.cfg.NoAutoconf = grantLeases, true })
		w.advertise(slaac(true, true))
		last := w.Last()
		if len(last.Addresses) != 0 || len(last.Delegated) != 1 || len(last.LANs) != 2 || last.DefaultRoute.Gateway.String() != "fe80::1" || !last.Managed {
			t.Errorf("got %+v", last)
		}
		if m := w.sent[0]; m.Options.OneIANA() != nil || m.Options.OneIAPD() == nil {
			t.Errorf("asks for %v", m.Summary())
		}
		w.finish(nil)
		w = start(t, func(w *fakeNetwork) { w.serverSide, w.cfg.NoAutoconf, w.cfg.RequestAddress = grantLeases, true, true })
		w.advertise(slaac(true, true))
		if last := w.Last(); len(last.Addresses) != 1 || last.Addresses[0].Origin != DHCPv6 {
			t.Errorf("an address that is asked for: %+v", last)
		}
		w.finish(nil)
	})
}

// TestServicesOnly: options are requested even if nothing else is, and reported.
func TestServicesOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(w *fakeNetwork) {
			w.cfg.RequestPrefix, w.cfg.LANs, w.cfg.OptionRequest = false, nil, dhcp6.OptionRequest{AFTR: true}
			w.serverSide = func(m *dhcpv6.Message) *dhcpv6.Message {
				r := grantLeases(m)
				r.AddOption(&dhcpv6.OptionGeneric{OptionCode: 64, OptionData: []byte("\x04aftr\x07example\x00")})
				return r
			}
		})
		w.Advance(routerTimeout)
		if last := w.Last(); w.kinds() != "INFORMATION-REQUEST" || last.Services.AFTR != "aftr.example" {
			t.Errorf("asked %s, got %+v", w.kinds(), last)
		}
		w.finish(nil)
	})
}

// TestSendFailure: a message that cannot be sent is tried again soon.
func TestSendFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(w *fakeNetwork) { w.serverSide, w.unsendable = grantLeases, 3 })
		w.Advance(routerTimeout + 300*time.Millisecond)
		if w.kinds() != "SOLICIT SOLICIT SOLICIT SOLICIT" || len(w.Last().Delegated) != 1 {
			t.Errorf("asked %s, got %+v", w.kinds(), w.Last())
		}
		w.finish(nil)
	})
}
