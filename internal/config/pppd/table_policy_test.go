package pppd

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
)

func words(text string) (all []Word) {
	for _, f := range strings.Fields(text) {
		all = append(all, Word{Text: f, File: "f", Line: 1})
	}
	return all
}

// TestPolicy: a server's options, and an account's that override them.
func TestPolicy(t *testing.T) {
	r := reader(Server, "")
	if err := r.words(words("source-check source-allow 192.0.2.99 source-allow 2001:db8:1::1/48 framed-route 198.51.100.0/29 rate-up 1000 rate-down 5000 rate-burst 250")); err != nil {
		t.Fatal(err)
	}
	burst := 250 * time.Millisecond
	all := pppoe.SessionPolicy{
		CheckSource: true, AllowSources: []netip.Prefix{netip.MustParsePrefix("192.0.2.99/32"), netip.MustParsePrefix("2001:db8:1::/48")},
		FramedRoutes: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/29")},
		Up:           datapath.Rate{Bits: 1e6, Burst: burst}, Down: datapath.Rate{Bits: 5e6, Burst: burst},
	}
	if got := r.Settings.Policy; !reflect.DeepEqual(got, all) {
		t.Errorf("terms %+v, want %+v", got, all)
	}
	for text, change := range map[string]func(*pppoe.SessionPolicy){
		"":                              func(*pppoe.SessionPolicy) {},
		"nosource-check":                func(t *pppoe.SessionPolicy) { t.CheckSource = false },
		"rate-up 0 rate-down 100000000": func(t *pppoe.SessionPolicy) { t.Up.Bits, t.Down.Bits = 0, datapath.MaxRate },
		"rate-burst 60000":              func(t *pppoe.SessionPolicy) { t.Up.Burst, t.Down.Burst = time.Minute, time.Minute },
		"source-allow 198.51.100.77/29": func(t *pppoe.SessionPolicy) {
			t.AllowSources = append(t.AllowSources, netip.MustParsePrefix("198.51.100.72/29"))
		},
		"source-allow 203.0.113.0/24": func(t *pppoe.SessionPolicy) {
			t.AllowSources = append(t.AllowSources, netip.MustParsePrefix("203.0.113.0/24"))
		},
		"framed-route 2001:db8:2:3::4/56": func(t *pppoe.SessionPolicy) {
			t.FramedRoutes = append(t.FramedRoutes, netip.MustParsePrefix("2001:db8:2::/56"))
		},
		"vrf red": func(t *pppoe.SessionPolicy) { t.VRF = "red" },
		"framed-route 203.0.113.7": func(t *pppoe.SessionPolicy) {
			t.FramedRoutes = append(t.FramedRoutes, netip.MustParsePrefix("203.0.113.7/32"))
		},
		"mtu 1400 call x rate-up 1000 :1": nil,
	} {
		got, others, err := r.Settings.AccountPolicy("", words(text))
		if change == nil {
			if err == nil || !others {
				t.Errorf("%q: others %v, %v; want an error for the last word, and two that an account cannot have", text, others, err)
			}
			continue
		}
		want := all
		want.AllowSources, want.FramedRoutes = slices.Clone(all.AllowSources), slices.Clone(all.FramedRoutes)
		if change(&want); err != nil || others || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, others %v, %v; want %+v", text, got, others, err, want)
		}
	}
	if got := r.Settings.Policy; !reflect.DeepEqual(got, all) {
		t.Errorf("an account has changed the policy of all: %+v", got)
	}
}

// TestBadPolicy: the error for an invalid value says what is valid.
func TestBadPolicy(t *testing.T) {
	for text, want := range map[string]string{
		"rate-up fast": "between 0 and 100000000", "rate-down -1": "between 0 and", "rate-up 100000001": "between 0 and", "rate-burst 0": "between 1 and 60000",
		"vrf a/b": "1 to 15 characters", "vrf 1234567890123456": "1 to 15", "vrf": "vrf NAME",
		"source-allow lan": "198.51.100.0/29", "source-allow ::ffff:192.0.2.1": "198.51.100.0/29", "source-allow fe80::1%eth0": "198.51.100.0/29",
		strings.Repeat("source-allow 192.0.2.1 ", maxPrefixes+1): "more than 64 prefixes", "source-allow": "source-allow PREFIX",
		"framed-route lan": "198.51.100.0/29", "framed-route 0.0.0.0/0": "not addresses of hosts behind", "framed-route ::/8": "not addresses", "framed-route fe80::1": "not addresses",
		"framed-route 224.0.0.0/4": "not addresses", "framed-route 127.0.0.1": "not addresses", strings.Repeat("framed-route 192.0.2.1 ", maxPrefixes+1): "more than 64 prefixes",
	} {
		if err := reader(Server, "").words(words(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v; want %s", text, err, want)
		}
	}
	r := reader(Client, "")
	if err := r.words(words("rate-up 1000")); err != nil || len(r.Settings.Warnings) != 1 || r.Settings.Policy.Up.Bits != 0 {
		t.Errorf("of a client: %v, notices %q, terms %+v", err, r.Settings.Warnings, r.Settings.Policy)
	}
}
