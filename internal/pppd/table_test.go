package pppd

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestTable: every option does something, and says what it is.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, g := range groups {
		for i := range g.options {
			o := &g.options[i]
			for _, name := range o.names() {
				if seen[name] {
					t.Errorf("%s stands twice in the table", name)
				}
				seen[name] = true
			}
			if o.status == honoured && o.kind.set == nil && o.name != "call" && o.name != "file" {
				t.Errorf("%s does nothing", o.name)
			}
			if o.help == "" {
				t.Errorf("%s says nothing of itself", o.name)
			}
		}
	}
}

// TestRealOptions: whatever the real pppd takes is known here, with as many words
// after it, so that nothing in a file is taken for something else.
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
	for _, want := range []string{"\nThe line:\n", "  nic-IF, IF  ", "  lcp-echo-interval SECONDS  ", "  password-file FILE  ", "  LOCAL:REMOTE  ", "  passive                      (no effect) "} {
		if !strings.Contains(client, want) {
			t.Errorf("the client's help has no %q", want)
		}
	}
	if title := "What sessions are held to"; strings.Contains(client, title) || !strings.Contains(server, title) {
		t.Errorf("%q is not in the server's help alone", title)
	}
	if !strings.Contains(server, "  ms-dns ADDRESS  ") || strings.Contains(server, "password-file") {
		t.Error("the server's help is not the server's")
	}
	for _, no := range []string{"require-mschap ", "crtscts"} {
		if strings.Contains(client, no) {
			t.Errorf("the help offers %q", no)
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

// TestTimers: where 0 is no limit for pppd, it is none here.
func TestTimers(t *testing.T) {
	r := reader(Client, "")
	if err := r.CommandLine(strings.Fields("chap-timeout 0 chap-interval 0 pap-restart 5 eap-max-sreq 4 ipcp-max-failure 6")); err != nil {
		t.Fatal(err)
	}
	s := r.Settings
	if a := s.AuthTimers; a.Timeout >= 0 || a.Again != 0 || a.Restart.Seconds() != 5 || a.Tries != 4 || s.IPCP.MaxFailure != 6 {
		t.Errorf("timers %+v, IPCP's limits %+v", a, s.IPCP)
	}
}

func TestRefuse(t *testing.T) {
	r := reader(Client, "")
	if err := r.CommandLine(strings.Fields("refuse-eap -chap refuse-mschap refuse-mschap-v2 refuse-eap")); err != nil {
		t.Fatal(err)
	}
	if want := []string{"eap", "chap", "mschap-v2"}; !slices.Equal(r.Settings.Refuse, want) {
		t.Errorf("refused %q, want %q", r.Settings.Refuse, want)
	}
	if a := r.Settings.Answer(); len(a) != 1 || a[0] != methods[3].Method {
		t.Errorf("%d methods are left, want PAP alone", len(a))
	}
}
