package life

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"upppoe/ppp"
)

// explanationOf runs a client whose dial fails, checks its exit code, and returns the last lines of its log, with
// addresses and numbers that differ replaced.
func (w *testbed) explanationOf(t testing.TB, code int, options ...string) string {
	t.Helper()
	r := w.run(t, "pppoe-client", append([]string{"eth0", "nodetach"}, options...)...)
	if r.code != code {
		t.Errorf("code %d, want %d:\n%s", r.code, code, r.stderr)
	}
	if strings.Contains(r.stderr, secret) || strings.Contains(r.stderr, "wrong-secret") {
		t.Errorf("it says the password:\n%s", r.stderr)
	}
	at := strings.Index(r.stderr, "Seen: ")
	if at < 0 || !strings.HasSuffix(r.stderr, "\nExit.\n") {
		t.Fatalf("no explanation at the end:\n%s", r.stderr)
	}
	return generalized(strings.TrimSuffix(r.stderr[at:], "Exit.\n"))
}

func generalized(text string) string {
	text = regexp.MustCompile(`\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b`).ReplaceAllString(text, "MAC")
	return regexp.MustCompile(` in \d+ s`).ReplaceAllString(text, " in N s")
}

// TestExplanations: the last lines of a failed dial say what was seen, the likely cause and what to try.
func TestExplanations(t *testing.T) {
	quick := strings.Fields("pppoe-padi-attempts 1 " + shortTimeouts)
	for name, c := range map[string]struct {
		fault   *fault // nil: there is no concentrator
		options string
		code    int
		want    string
	}{
		"no concentrator": {nil, "", 8, `Seen: PADI sent once in N s on eth0, and no answer
Likely cause: another VLAN or interface than the provider's, or the line is not in service
Try: pppoe-client doctor eth0
`},
		"another name is wanted": {&fault{}, "pppoe-ac other", 8, `Seen: PADI sent once in N s on eth0, and no acceptable answer, but one from odd (MAC)
Likely cause: an option excludes the concentrators that answer
Try: omit pppoe-ac, or set it to this name
`},
		"refused": {&fault{refuse: "session limit exceeded"}, "pppoe-service gold", 8, `Seen: MAC refused our request for Service-Name "gold": AC-system-error "session limit exceeded"
Likely cause: it has no room for another session; an earlier session of this line may still be open, for some minutes
Try: again in some minutes; option persist does so
`},
		"no answer to LCP": {&fault{ignored: []ppp.Protocol{ppp.LCP}}, "lcp-max-configure 2 lcp-restart 1", 10, `Seen: session 1 at odd (MAC): LCP did not open: LCP: timeout sending Config-Requests
Likely cause: the concentrator does not answer LCP: frames of ethertype 0x8864 are filtered, or it still has an earlier session
Try: again in some minutes; or with pcap /tmp/eth0.pcapng, and then pppoe-discovery explain /tmp/eth0.pcapng
`},
		"no address": {&fault{assign: ip("0.0.0.0")}, "", 10, `Seen: session 1 at odd (MAC): authentication succeeded, and IPCP failed: *
Likely cause: the account has no IPv4 address, or the address pool of the provider is exhausted
Try: noip for IPv6 alone; ADDRESS: (with the colon) if the provider has assigned a fixed address; or ask the provider
`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTestbed(t)
			wait := "1"
			if c.fault != nil {
				newFakeAC(t, w.server, "odd", *c.fault)
				wait = "5" // a busy machine may take more than a second to answer
			}
			got := w.explanationOf(t, c.code, slices.Concat(quick, account, []string{"pppoe-padi-timeout", wait}, strings.Fields(c.options))...)
			if head, tail, any := strings.Cut(c.want, "*"); got != c.want && !(any && strings.HasPrefix(got, head) && strings.HasSuffix(got, tail)) {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			w.leftNothing(t)
		})
	}
}

// TestExplainedLogin: a rejected login names the name that was sent, and never the password.
func TestExplainedLogin(t *testing.T) {
	for method, want := range map[string]string{"chap": "CHAP", "pap": "PAP", "mschap-v2": "MS-CHAP-v2"} {
		w := newTestbed(t)
		w.serverOptions(t, "require-"+method+"\n")
		w.serve(t)
		got := w.explanationOf(t, 19, "user", "alice@isp", "password", "wrong-secret", "noauth")
		if !regexp.MustCompile(`^Seen: session 1 at life-ac \(MAC\): it rejected name "alice@isp" by [A-Z0-9a-z-]+, with the text ".*"\nLikely cause: incorrect name or password, .*\nTry: check user .*\n$`).MatchString(got) {
			t.Errorf("%s (%s): got\n%s", method, want, got)
		}
	}
}

// TestExplainedMethod: the peer insists on a method that an option excludes.
func TestExplainedMethod(t *testing.T) {
	w := newTestbed(t)
	w.serverOptions(t, "require-pap\n")
	w.serve(t)
	got := w.explanationOf(t, 19, append([]string{"refuse-pap"}, account...)...)
	if !strings.Contains(got, ": it insists on authentication by pap\nLikely cause: ") {
		t.Error(got)
	}
}

// TestVLANSearch: if nobody answers, and a user looks on a terminal, VLANs are searched.
func TestVLANSearch(t *testing.T) {
	w := newTestbed(t)
	w.write(t, "etc/secret", secret+"\n", 0o600)
	args := append(strings.Fields("eth0 nodetach pppoe-padi-timeout 1 pppoe-padi-attempts 1"), fileAccount...)
	_, shown := w.runOnTerminal(t, nil, args...)
	if got := generalized(finalLines(shown)); !strings.Contains(got, "; nobody answers on any VLAN with one tag; pairs of tags were not asked, as no frame with a tag arrived\n") {
		t.Error(got)
	}
	p := launch(t, w.server, exec.Command(filepath.Join(bin, "pppoe-server"), "-I", "eth0", "--vlan", "7", "-C", "life-ac", "-F", "--etc", w.serverEtc))
	check(t, p.Await("Serving on "))
	began := time.Now()
	code, shown := w.runOnTerminal(t, nil, args...)
	got := generalized(finalLines(shown))
	want := "TIME Seen: PADI sent once in N s on eth0, and no answer, but from life-ac (MAC) on VLAN 7\nTIME Likely cause: the provider uses another VLAN\nTIME Try: option vlan 7\n"
	if code != 8 || !strings.HasSuffix(got, want) || !strings.Contains(shown, "searching VLANs") || time.Since(began) > vlanSearchBound {
		t.Errorf("code %d after %v, and what is left is\n%s", code, time.Since(began), got)
	}
	if !strings.HasPrefix(got, "eth0: not online after ") && !strings.Contains(got, "\neth0: not online after ") {
		t.Errorf("no final line:\n%s", got)
	}
}

// vlanSearchBound is far above what the dial and the search take.
const vlanSearchBound = 30 * time.Second
