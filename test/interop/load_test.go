package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// loadReport is what is checked of a report of pppoe-client load.
type loadReport struct {
	SetUp, Open    int
	Failures, Lost map[string]int
	Echoes         struct{ Answered int }
	Traffic        struct{ Received int }
}

// loadFlags are those of all load tests. A busy guest takes seconds to start a pppd and to read its frames: few dials
// at once leave each enough of the ten requests of LCP, and echoes are far enough apart that none of three is answered
// only where the session is lost.
func loadFlags(password string, flags ...string) []string {
	return append([]string{"load", "--json", "-q", "--user", "testuser", "--password", password, "--in-progress", "2", "--echo", "10s", "--hold", "7s", "--traffic", "20,200"}, flags...)
}

// TestLoadAgainstRealServer: pppoe-client load against rp-pppoe's pppoe-server, with a pppd for each session: sessions with
// CHAP, access lines, echoes and packets, all of which end by LCP; in a VLAN; and with a wrong password.
func TestLoadAgainstRealServer(t *testing.T) {
	ours, real := newBench(t)
	// The guest's interface loses the tags of received frames: the VLAN is within the guest.
	real.must(t, "ip link add lan type veth peer name wan && ip link add link wan name wan.50 type vlan id 50 && for i in lan wan wan.50; do ip link set $i up; done")
	real.serve(t, "require-chap", "-I", "wan.50", "-N", "20")

	// A pppd that reads our repeated request late negotiates IPCP again, in which packets are lost.
	const all = "established=100%,configured=100%,failed=0,lost=0,loss<50%"
	cmd := exec.Command(filepath.Join(bin, "pppoe-client"), loadFlags(correctPassword, "-I", "eth0", "-n", "6", "--circuit-id", "olt1 eth 1/%d", "--expect", all)...)
	var out, told bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &told
	if err := ours.Do(cmd.Run); err != nil {
		t.Fatalf("%v: %s\n%s", err, &told, &out)
	}
	wantSessions(t, out.String(), 6)
	real.awaitEnds(t, 6)

	wantSessions(t, real.load(t, 0, loadFlags(correctPassword, "-I", "lan", "--vlan", "50", "-n", "2", "--expect", all)), 2)
	real.awaitEnds(t, 8)

	report := parseLoad(t, real.load(t, 21, loadFlags(wrongPassword, "-I", "lan", "--vlan", "50", "-n", "1")))
	if report.SetUp != 0 || len(report.Failures) == 0 {
		t.Errorf("with a wrong password: %+v", report)
	}
}

// load runs pppoe-client load in the guest, and returns its report.
func (g *guest) load(t *testing.T, code int, args []string) string {
	t.Helper()
	got, text := g.run(t, filepath.Join(bin, "pppoe-client")+words(args)+" 2> /run/load.log || { code=$?; cat /run/load.log >&2; exit $code; }")
	if got != code {
		t.Fatalf("load ended with %d, want %d:\n%s", got, code, text)
	}
	return text
}

// awaitEnds waits until the peers of the real server have ended n sessions by LCP.
func (g *guest) awaitEnds(t *testing.T, n int) {
	t.Helper()
	g.must(t, waitForFunc+fmt.Sprintf(`
ended() { [ $(grep -c 'LCP terminated by peer' /run/server.log) = %d ]; }
wait_for ended || { cat /run/server.log; exit 1; }`, n))
}

func parseLoad(t *testing.T, text string) (report loadReport) {
	t.Helper()
	check(t, json.NewDecoder(strings.NewReader(text[max(0, strings.IndexByte(text, '{')):])).Decode(&report))
	return report
}

// wantSessions checks a report of n sessions, all of which have carried packets both ways.
func wantSessions(t *testing.T, text string, n int) {
	t.Helper()
	r := parseLoad(t, text)
	if r.SetUp != n || r.Open != n || r.Echoes.Answered == 0 || r.Traffic.Received == 0 {
		t.Errorf("the report is %+v:\n%s", r, text)
	}
}
