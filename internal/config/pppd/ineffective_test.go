package pppd

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// without returns the options of a command line that are reported as ineffective.
func without(t *testing.T, r Role, words string) (names []string) {
	t.Helper()
	return withoutEffect(t, r, words, func(*Settings) {})
}

// withoutEffect is without for settings that a program has changed.
func withoutEffect(t *testing.T, r Role, words string, change func(*Settings)) (names []string) {
	t.Helper()
	s := New()
	change(s)
	if err := (&Reader{Role: r, Settings: s, IsInterface: func(string) bool { return true }}).CommandLine(strings.Fields(words)); err != nil {
		t.Fatal(words, err)
	}
	for _, notice := range s.IneffectiveOptions(r) {
		name, ok := strings.CutPrefix(notice, `option "`)
		name, _, more := strings.Cut(name, `"`)
		if !ok || !more {
			t.Errorf("%s: %s", words, notice)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// TestIneffectiveOptions: each rule, with and without the options that make the difference.
func TestIneffectiveOptions(t *testing.T) {
	for words, want := range map[string]string{
		"":                     "",
		"noipv6 dhcp6-address": "dhcp6-address", "noipv6 dhcp6-prefix 56": "dhcp6-prefix", "noipv6 dhcp6-lan lan1 dhcp6-lan-ra": "dhcp6-lan dhcp6-lan-ra",
		"noipv6 dhcp6-request ntp": "dhcp6-request", "noipv6 defaultroute6 defaultroute6-metric 5": "defaultroute6 defaultroute6-metric",
		"ipv6 ::1,::2 noipv6 ipv6cp-accept-local ipv6cp-restart 1 ipv6-up-script /x": "ipv6 ipv6-up-script ipv6cp-accept-local ipv6cp-restart",
		"noipv6 +ipv6 dhcp6-prefix 56": "", "dhcp6-prefix 56": "",
		"noip ms-dns 192.0.2.1 usepeerwins proxyarp ktune ipcp-restart 1 ip-up-script /x": "ip-up-script ipcp-restart ktune ms-dns proxyarp usepeerwins",
		"noip defaultroute": "", "noip noipv6autoconf defaultroute": "defaultroute", "noip defaultroute nodefaultroute6": "defaultroute",
		"noip noipv6": "noip", "noip usepeerdns": "", "noip noipv6 usepeerdns": "noip usepeerdns", "noip noipv6autoconf usepeerdns": "usepeerdns",
		"noip defaultroute replacedefaultroute": "replacedefaultroute", "noip demand": "demand", "demand": "",
		"dhcp6-lan lan1 nodhcp6": "dhcp6-lan", "nodhcp6 dhcp6-lan lan1": "nodhcp6", "nodhcp6": "",
		"dhcp6-prefix 0 dhcp6-address dhcp6-request aftr nodhcp6": "dhcp6-address dhcp6-prefix dhcp6-request",
		"dhcp6-lan-ra": "dhcp6-lan-ra", "dhcp6-lan-ra dhcp6-lan lan1": "",
		"ipv6-prefix-up-script /x": "ipv6-prefix-up-script", "ipv6-prefix-up-script /x dhcp6-prefix 0": "",
		"dhcp6-up-script /x": "dhcp6-up-script", "dhcp6-up-script /x dhcp6-request ntp": "", "dhcp6-up-script /x dhcp6-request aftr": "", "dhcp6-down-script /x dhcp6-request s46": "",
		"resolv file": "resolv", "resolv none": "", "resolv auto": "", "resolv auto usepeerdns noresolvconf": "", "resolv file usepeerdns": "", "resolv file usepeerdns noresolvconf": "resolv",
		"resolv resolved usepeerdns netns x": "resolv", "resolv resolvconf usepeerdns netns x": "resolv", "resolv file usepeerdns netns x": "", "resolv resolved usepeerdns": "",
		"noresolvconf": "noresolvconf", "noresolvconf usepeerdns": "",
		"replacedefaultroute": "replacedefaultroute", "defaultroute-metric 5": "defaultroute-metric", "replacedefaultroute defaultroute": "", "defaultroute-metric 5 defaultroute": "",
		"ktune": "ktune", "ktune proxyarp": "", "ktune noktune": "",
		"lcp-echo-failure 3": "lcp-echo-failure", "lcp-echo-adaptive": "lcp-echo-adaptive", "lcp-echo-failure 3 lcp-echo-adaptive lcp-echo-interval 1": "",
		"connect-delay 9 silent": "connect-delay", "connect-delay 9": "",
		"chap-interval 9": "chap-interval", "eap-interval 9": "eap-interval", "chap-interval 9 require-chap": "", "eap-interval 9 auth": "",
		"require-chap noauth": "require-chap", "+chap noauth": "+chap", "noauth require-chap": "", "require-chap": "",
		"holdoff 3": "holdoff", "maxfail 0": "maxfail", "holdoff 3 maxfail 0 persist": "", "holdoff 3 maxfail 0 demand": "",
		"idle 5 persist": "idle", "idle 5": "", "idle 5 demand": "", "idle 0 persist": "",
		"mo-direction in": "mo-direction", "mo-direction in maxoctets 5": "",
		"demand datapath kernel": "datapath", "demand datapath plain": "", "demand datapath auto": "", "datapath kernel": "",
		"demand datapath-queues 2": "datapath-queues", "datapath plain datapath-queues 2": "datapath-queues", "datapath-queues 2": "",
		"pppoe-sess 1:02:00:00:00:00:05 pppoe-service x host-uniq 01": "host-uniq pppoe-service", "pppoe-sess 1:02:00:00:00:00:05 pppoe-ac x persist": "",
		"mss 9000": "mss", "mss 1452": "mss", "mss 1451": "", "mss 0": "", "mtu 1500 mss 1459": "", "mtu 1500 mss 1460": "mss", "mru 1500 mss 1459": "",
		"password x password-file /x": "password", "password x password-env X": "password", "password-env X password-file /x": "password-env", "password x": "",
		"password x password-env X password-file /x": "password password-env",
		"dhcp6-prefix 64 dhcp6-lan a dhcp6-lan b":    "dhcp6-lan b", "dhcp6-prefix 64 dhcp6-lan a": "", "dhcp6-prefix 63 dhcp6-lan a dhcp6-lan b": "",
		"dhcp6-prefix 63 dhcp6-lan a dhcp6-lan b dhcp6-lan c": "dhcp6-lan c", "dhcp6-lan a dhcp6-lan b": "", "dhcp6-prefix 1 dhcp6-lan a": "",
	} {
		if got := strings.Join(without(t, Client, words), " "); got != want {
			t.Errorf("%q: without effect are %q, want %q", words, got, want)
		}
	}
	for words, want := range map[string]string{
		"": "", "source-allow 192.0.2.0/24": "source-allow", "source-check source-allow 192.0.2.0/24": "",
		"rate-burst 5": "rate-burst", "rate-burst 5 rate-up 9": "", "rate-burst 5 rate-down 9": "",
		"ipv6 ::1,::2 noipv6": "ipv6", "noipv6 ipv6 ::1,::2": "", "noip proxyarp": "proxyarp", "lcp-echo-failure 3": "", "ktune": "ktune",
	} {
		if got := strings.Join(without(t, Server, words), " "); got != want {
			t.Errorf("of a server, %q: without effect are %q, want %q", words, got, want)
		}
	}
}

// TestIneffectiveWithSharedDevice: options of a session's device have no effect where sessions share one.
func TestIneffectiveWithSharedDevice(t *testing.T) {
	for words, want := range map[string]string{
		"proxyarp ktune": "ktune proxyarp", "ktune": "ktune", "ip-pre-up-script /x": "ip-pre-up-script", "nosource-check": "nosource-check",
		"source-check source-allow 192.0.2.0/24": "", "source-allow 192.0.2.0/24": "", "framed-route 192.0.2.0/24 ip-up-script /x": "",
	} {
		if got := strings.Join(withoutEffect(t, Server, words, func(s *Settings) { s.SharedDevice = true }), " "); got != want {
			t.Errorf("%q: without effect are %q, want %q", words, got, want)
		}
	}
}

// TestIneffectiveRuleNames: each name in the rules is that of an honoured option of the rule's role, not
// an alias.
func TestIneffectiveRuleNames(t *testing.T) {
	for _, rule := range ineffectiveRules {
		for _, name := range strings.Fields(rule.options + " " + rule.overriddenBy) {
			o := byName[name]
			if o == nil || o.name != name || o.status != honoured {
				t.Errorf("%q is not an honoured option", name)
			} else if rule.roles&Client != 0 && !o.allowed(Client) || rule.roles&Server != 0 && !o.allowed(Server) {
				t.Errorf("%q is not for a %v", name, rule.roles)
			}
		}
	}
}

// TestOverriddenElsewhere: an option that the command line or another file overrides is not reported;
// a warning names the place of its option.
func TestOverriddenElsewhere(t *testing.T) {
	dir := t.TempDir()
	s := New()
	r := Reader{Role: Client, Settings: s, Dir: dir, IsInterface: func(string) bool { return true }}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if err := r.File(write("one", "dhcp6-lan lan1\nrequire-chap\nresolv file\n")); err != nil {
		t.Fatal(err)
	}
	if err := r.CommandLine([]string{"nodhcp6", "noauth"}); err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(dir, "one") + `:3: option "resolv" has no effect: name servers are requested by usepeerdns`}
	if got := s.IneffectiveOptions(Client); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if err := r.File(write("two", "dhcp6-prefix 0\nnodhcp6\n")); err != nil {
		t.Fatal(err)
	}
	want = append([]string{filepath.Join(dir, "two") + `:1: option "dhcp6-prefix" has no effect: nodhcp6 comes after it`}, want...)
	if got := s.IneffectiveOptions(Client); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
