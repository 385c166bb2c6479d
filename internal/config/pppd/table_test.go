package pppd

import (
	"bytes"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"upppoe/chap"
	"upppoe/ppp"
	"upppoe/ppp/eap"
	"upppoe/ppp/pap"
)

// TestTable: every honoured option has an effect, and every option has a help text.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, g := range groups {
		for i := range g.options {
			o := &g.options[i]
			for _, name := range o.names() {
				if seen[name] {
					t.Errorf("%s is twice in the table", name)
				}
				seen[name] = true
			}
			if o.status == honoured && o.kind.set == nil && o.name != "call" && o.name != "file" && o.name != "service" {
				t.Errorf("%s has no effect", o.name)
			}
			if o.help == "" {
				t.Errorf("%s has no help text", o.name)
			}
		}
	}
}

// TestRealOptions: every option of the real pppd is known, with the same number of values, so that no
// value is taken for an option or the other way round.
func TestRealOptions(t *testing.T) {
	text, err := os.ReadFile("testdata/pppd-2.4.9.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines, err := Lines("", string(text))
	if err != nil || len(lines) < 250 {
		t.Fatalf("%d options, %v", len(lines), err)
	}
	for _, line := range lines {
		name, words := line[0].Text, line[1].Text
		o := byName[name]
		if o == nil {
			t.Errorf("pppd's option %s is not known", name)
			continue
		}
		if takes := len(strings.Fields(o.kind.arg)); strconv.Itoa(takes) != words {
			t.Errorf("%s takes %d words, with pppd %s", name, takes, words)
		}
	}
}

func TestHelp(t *testing.T) {
	help := func(r Role) string {
		var w strings.Builder
		WriteHelp(&w, r)
		return w.String()
	}
	client, server := help(Client), help(Server)
	for _, want := range []string{"\nInterface and PPPoE:\n", "  nic-IF, IF  ", "  lcp-echo-interval SECONDS  ", "  password-file FILE  ", "  LOCAL:REMOTE  ", "  passive                      (ignored) "} {
		if !strings.Contains(client, want) {
			t.Errorf("the client's help has no %q", want)
		}
	}
	if title := "Session policy"; strings.Contains(client, title) || !strings.Contains(server, title) {
		t.Errorf("%q is not in the server's help alone", title)
	}
	if !strings.Contains(server, "  ms-dns ADDRESS  ") || strings.Contains(server, "password-file") {
		t.Error("the server's help lacks an option, or has one of the client")
	}
	for _, no := range []string{"require-mschap ", "crtscts"} {
		if strings.Contains(client, no) {
			t.Errorf("the help has %q", no)
		}
	}
}

func TestServersAreTheLastTwo(t *testing.T) {
	r := reader(Server, "")
	if err := r.CommandLine(strings.Fields("ms-dns 192.0.2.1 ms-dns 192.0.2.2 ms-dns 192.0.2.3 ms-wins 192.0.2.4")); err != nil {
		t.Fatal(err)
	}
	s := r.Settings
	if len(s.DNS) != 2 || s.DNS[0].String() != "192.0.2.2" || s.DNS[1].String() != "192.0.2.3" || len(s.WINS) != 1 {
		t.Errorf("servers %v and %v", s.DNS, s.WINS)
	}
}

// TestTimers: pppd's 0 is no limit where pppd has it so.
func TestTimers(t *testing.T) {
	r := reader(Client, "")
	if err := r.CommandLine(strings.Fields("chap-timeout 0 chap-interval 0 pap-restart 5 eap-max-sreq 4 ipcp-max-failure 6")); err != nil {
		t.Fatal(err)
	}
	s := r.Settings
	if a := s.AuthTimers; a.Timeout >= 0 || a.Rechallenge != 0 || a.Restart.Seconds() != 5 || a.MaxTransmit != 4 || s.IPCP.MaxFailure != 6 {
		t.Errorf("timers %+v, IPCP's limits %+v", a, s.IPCP)
	}
}

func TestRefuse(t *testing.T) {
	r := reader(Client, "")
	if err := r.CommandLine(strings.Fields("refuse-eap -chap refuse-mschap refuse-mschap-v2 refuse-eap")); err != nil {
		t.Fatal(err)
	}
	if want := []string{"eap", "chap", "mschap", "mschap-v2"}; !slices.Equal(r.Settings.Refuse, want) {
		t.Errorf("refused %q, want %q", r.Settings.Refuse, want)
	}
	if a := r.Settings.AllowAuth(); len(a) != 1 || a[0] != pap.Method {
		t.Errorf("%d methods are left, want PAP alone", len(a))
	}
}

// TestMSCHAPv1: it is disabled unless an option allows it or all other methods are refused, and never
// required from the peer.
func TestMSCHAPv1(t *testing.T) {
	usual := []ppp.Method{eap.MD5, chap.MSv2, chap.MD5, pap.Method}
	for args, want := range map[string][]ppp.Method{
		"":                              usual,
		"allow-mschap-v1":               {eap.MD5, chap.MSv2, chap.MD5, chap.MSv1, pap.Method},
		"ms-lanman":                     {eap.MD5, chap.MSv2, chap.MD5, chap.LANMAN, pap.Method},
		"allow-mschap-v1 refuse-mschap": usual,
		"refuse-mschap allow-mschap-v1": {eap.MD5, chap.MSv2, chap.MD5, chap.MSv1, pap.Method},
		"-mschap ms-lanman":             {eap.MD5, chap.MSv2, chap.MD5, chap.LANMAN, pap.Method},
		"refuse-eap refuse-chap refuse-mschap-v2":                          {pap.Method},
		"refuse-eap refuse-chap refuse-mschap-v2 refuse-pap":               {chap.MSv1},
		"refuse-eap refuse-chap refuse-mschap-v2 refuse-pap refuse-mschap": nil,
		"refuse-eap refuse-chap refuse-mschap-v2 refuse-pap ms-lanman":     {chap.LANMAN},
	} {
		r := reader(Client, "")
		if err := r.CommandLine(strings.Fields(args)); err != nil {
			t.Fatal(err)
		}
		if got := r.Settings.AllowAuth(); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", args, got, want)
		}
		if r.Settings.Auth = true; !slices.Equal(r.Settings.RequireAuth(), usual) {
			t.Errorf("%q: the peer may authenticate itself with %v, want %v", args, r.Settings.RequireAuth(), usual)
		}
	}
	if err := reader(Client, "").CommandLine([]string{"require-mschap"}); err == nil {
		t.Error("MS-CHAPv1 can be required from the peer")
	}
}

// TestOptions25: the options of pppd 2.5 and its plugins.
func TestOptions25(t *testing.T) {
	r := reader(Client, "")
	if s := r.Settings; s.PasswordFD != -1 || s.ShowOptions || s.HostUniq != nil || s.Session().IPv6.AcceptNoRemote || s.Session().IPv6.OmitLocal || s.RemoteIDByAddr() {
		t.Errorf("without options: %+v", s)
	}
	args := []string{"plugin", "passwordfd.so", "passwordfd", "3", "plugin", "/usr/lib/pppd/2.5.2/radattr.so", "chap-secrets", "/a", "pap-secrets", "/b",
		"ipv6cp-noremote", "ipv6cp-nosend", "ipv6cp-use-remotenumber", "host-uniq", "", "mschap-challenge", "x", "show-options"}
	if err := r.CommandLine(args); err != nil {
		t.Fatal(err)
	}
	s := r.Settings
	if s.PasswordFD != 3 || s.Plugin || s.CHAPSecrets != "/a" || s.PAPSecrets != "/b" || !s.ShowOptions || s.HostUniq == nil || len(s.HostUniq) != 0 {
		t.Errorf("%+v", s)
	}
	if v6 := s.Session().IPv6; !v6.AcceptNoRemote || !v6.OmitLocal || !s.RemoteIDByAddr() {
		t.Errorf("IPv6CP: %+v, the peer's by its Ethernet address: %v", v6, s.RemoteIDByAddr())
	}
	if len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], "mschap-challenge") {
		t.Errorf("notices %q, want one of mschap-challenge", s.Warnings)
	}
}

// TestRemoteNumber: the peer's identifier is that of option ipv6, or is derived from the number, or from
// the Ethernet address if there is no usable number.
func TestRemoteNumber(t *testing.T) {
	for args, want := range map[string]string{ // an identifier, or "ethernet"
		"remotenumber 02:00:5e:00:53:01":                                      "::",
		"ipv6cp-use-remotenumber":                                             "ethernet",
		"ipv6cp-use-remotenumber remotenumber 2:0:5e:0:53:1":                  "::5eff:fe00:5301",
		"ipv6cp-use-remotenumber remotenumber 192.0.2.7":                      "::c000:207",
		"ipv6cp-use-remotenumber remotenumber 2001:db8::1:2:3":                "::1:2:3",
		"ipv6cp-use-remotenumber remotenumber 2001:db8::":                     "ethernet", // its last octets are zero
		"ipv6cp-use-remotenumber remotenumber +49305550123":                   "ethernet",
		"ipv6cp-use-remotenumber remotenumber 02:00:5e:00:53:01 ipv6 ::a,::b": "::b",
		"ipv6cp-use-remotenumber ipv6 ::a,::b":                                "::b",
	} {
		r := reader(Client, "")
		if err := r.CommandLine(strings.Fields(args)); err != nil {
			t.Fatal(err)
		}
		var a [16]byte
		id := r.Settings.Session().IPv6.Remote
		copy(a[8:], id[:])
		got := netip.AddrFrom16(a).String()
		if r.Settings.RemoteIDByAddr() {
			if got != "::" {
				t.Errorf("%q: both from the Ethernet address and %s", args, got)
			}
			got = "ethernet"
		}
		if got != want {
			t.Errorf("%q: %s, want %s", args, got, want)
		}
	}
}

// TestShowOptions: all names are listed, except those that are refused.
func TestShowOptions(t *testing.T) {
	var b bytes.Buffer
	WriteOptions(&b, Client)
	for _, want := range []string{"\nuser NAME ", "\nshow-options ", "\n-chap ", "\nnoccp ", "\nrp_pppoe_ac NAME "} {
		if !strings.Contains("\n"+b.String(), want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(b.String(), "\nlogin ") || strings.Contains(b.String(), "\nsource-check ") {
		t.Error("an option that is refused, or a server's, is listed")
	}
}
