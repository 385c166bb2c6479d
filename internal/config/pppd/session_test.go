package pppd

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestSession: options reach the configurations of the protocols.
func TestSession(t *testing.T) {
	r := reader(Client, "")
	args := "mru 1400 nomagic lcp-echo-interval 20 lcp-echo-failure 3 lcp-max-configure 7 ipcp-restart 2 192.0.2.1:192.0.2.2 " +
		"usepeerdns ipcp-accept-local ms-dns 192.0.2.53 ipv6 ::a,::b ipv6cp-accept-local ipv6cp-max-terminate 4 name ac"
	if err := r.CommandLine(strings.Fields(args)); err != nil {
		t.Fatal(err)
	}
	c := r.Settings.Session()
	if l := c.LCP; l.MRU != 1400 || !l.NoMagic || l.Echo.Interval != 20*time.Second || l.Echo.Failures != 3 || l.Limits.MaxConfigure != 7 {
		t.Errorf("LCP: %+v", l)
	}
	if v4 := c.IPv4; v4.Local.String() != "192.0.2.1" || v4.Remote.String() != "192.0.2.2" || !v4.RequestDNS || v4.RequestNBNS ||
		!v4.AcceptLocal || v4.AcceptRemote || v4.DNS[0].String() != "192.0.2.53" || v4.DNS[1].IsValid() || v4.Limits.Restart != 2*time.Second {
		t.Errorf("IPCP: %+v", v4)
	}
	if v6 := c.IPv6; v6.Local[7] != 0xa || v6.Remote[7] != 0xb || !v6.AcceptLocal || v6.Limits.MaxTerminate != 4 {
		t.Errorf("IPv6CP: %+v", v6)
	}
	if again := New().Session(); len(c.ChallengeKey) != 32 || !bytes.Equal(c.ChallengeKey, again.ChallengeKey) {
		t.Error("sessions of one process have different challenge keys")
	}
	if err := r.CommandLine([]string{"noip", "noipv6"}); err != nil {
		t.Fatal(err)
	}
	if c := r.Settings.Session(); c.IPv4 != nil || c.IPv6 != nil || c.Name != "ac" {
		t.Errorf("without addresses: %+v", c)
	}
}

// TestRequireAuth: the required methods, or all with auth alone.
func TestRequireAuth(t *testing.T) {
	for args, want := range map[string]int{"": 0, "auth": 4, "require-chap": 1, "require-pap require-eap": 2, "require-pap noauth": 0} {
		r := reader(Server, "")
		if err := r.CommandLine(strings.Fields(args)); err != nil {
			t.Fatal(err)
		}
		if got := len(r.Settings.RequireAuth()); got != want {
			t.Errorf("%q requires %d methods, want %d", args, got, want)
		}
	}
}

// TestWantedMRU: a mtu above 1492 applies in both directions unless there is a mru or default-mru, in
// any order, for clients and servers.
func TestWantedMRU(t *testing.T) {
	for words, want := range map[string]int{
		"":                              0,
		"mtu 1400":                      0,
		"mtu 1492":                      0,
		"mtu 1493":                      1493,
		"mtu 1500":                      1500,
		"mru 1500":                      1500,
		"mtu 1500 mru 1400":             1400,
		"mru 1400 mtu 1500":             1400,
		"mtu 1500 default-mru":          0,
		"default-mru mtu 1500":          0,
		"default-mru mtu 1500 mru 1496": 1496,
		"mru 1496 default-mru mtu 1500": 0,
	} {
		for _, role := range []Role{Client, Server} {
			r := reader(role, "")
			if err := r.CommandLine(strings.Fields(words)); err != nil {
				t.Fatal(err)
			}
			if got := r.Settings.Session().LCP.MRU; got != want {
				t.Errorf("%v: %q asks for a MRU of %d, want %d", role, words, got, want)
			}
		}
	}
}

// TestSilenceLimit: pppoe -T configures echoes, unless the options do.
func TestSilenceLimit(t *testing.T) {
	for words, want := range map[string]struct {
		interval time.Duration
		failures int
	}{
		"pty|pppoe -I eth0 -T 80":                      {20 * time.Second, 3},
		"pty|pppoe -I eth0 -T 1":                       {time.Second, 3},
		"pty|pppoe -I eth0 -T 80|lcp-echo-interval|15": {15 * time.Second, 0},
		"pty|pppoe -I eth0|lcp-echo-failure|5":         {0, 5},
		"pty|pppoe -I eth0":                            {0, 0},
	} {
		r := reader(Client, "")
		if err := r.CommandLine(strings.Split(words, "|")); err != nil {
			t.Fatal(err)
		}
		if got := r.Settings.Session().LCP.Echo; got.Interval != want.interval || got.Failures != want.failures {
			t.Errorf("%q: %+v, want %+v", words, got, want)
		}
	}
}
