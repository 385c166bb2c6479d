package interop

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/test/lab"
)

// result is what a program returns to a script.
type result struct {
	code int
	out  string
	errs string
}

func ask(t testing.TB, in *lab.Namespace, program string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	check(t, in.Start(cmd))
	if err := cmd.Wait(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// TestRealDiscoveryListsOurServer: the real pppoe-discovery prints our server's PADO.
func TestRealDiscoveryListsOurServer(t *testing.T) {
	t.Parallel() // guests mostly wait
	need(t)
	s := newSegment(t)
	serve(t, s.host(t, ourMAC), "require-chap", "-S", "internet", "-S", "voice")
	got := ask(t, s.host(t, ""), "pppoe-discovery", oneAttempt...)
	if got.code != 0 || got.errs != "" {
		t.Errorf("pppoe-discovery ended with %d, and complains: %q", got.code, got.errs)
	}
	wantText(t, "pppoe-discovery", got.out,
		"Access-Concentrator: ours\n", "Service-Name: internet\n", "Service-Name: voice\n",
		"AC-Ethernet-Address: "+ourMAC+"\n")
}

// TestOurDiscoveryOutputMatches: with the same arguments and rp-pppoe's server, both
// pppoe-discovery programs print the same and return the same exit code.
func TestOurDiscoveryOutputMatches(t *testing.T) {
	t.Parallel() // guests mostly wait
	ours, real := newBench(t)
	real.serve(t, "require-chap", "-S", "internet", "-S", "voice")
	for _, c := range []struct {
		name string
		args []string
		code int
	}{
		{"any", nil, 0},
		{"marked", []string{"-U"}, 0},
		{"marked with octets", []string{"-W", "c0ffee"}, 0},
		{"a service", []string{"-S", "voice"}, 0},
		{"the concentrator", []string{"-C", "real"}, 0},
		{"quiet", []string{"-Q"}, 0},
		{"another service", []string{"-S", "nothing"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) { wantSameOutput(t, ours, c.code, append(c.args, oneAttempt...)...) })
	}
	t.Run("no interface", func(t *testing.T) { wantSameOutput(t, ours, 0, oneAttempt[2:]...) }) // they use eth0
	t.Run("another concentrator", func(t *testing.T) {
		// pppd 2.4.9 prints half of the offer, and ends with 0.
		ourDiscoveryFindsNothing(t, ours, append([]string{"-C", "nobody"}, oneAttempt...)...)
	})
}

// wantSameOutput checks that both programs end with a code, and print the same.
func wantSameOutput(t *testing.T, in *lab.Namespace, code int, args ...string) {
	t.Helper()
	want := ask(t, in, "pppoe-discovery", args...)
	got := ask(t, in, filepath.Join(bin, "pppoe-discovery"), args...)
	if want.code != code || got.code != want.code || got.out != toCurrentFormat.Replace(want.out) || (got.errs == "") != (want.errs == "") {
		t.Errorf("the exit code should be %d; ours answers\n%+v\nthe real one\n%+v", code, got, want)
	}
}

// oneAttempt makes pppoe-discovery send one PADI, and wait as long as it does by default: each further PADI would be
// answered too, and the real one prints each answer.
var oneAttempt = []string{"-I", "eth0", "-a", "1"}

// toCurrentFormat converts the output of pppd 2.4.9's pppoe-discovery to that of 2.5.0 and later.
var toCurrentFormat = strings.NewReplacer("       Service-Name: ", "Service-Name: ", "Got a cookie: ", "Cookie: ")

func ourDiscoveryFindsNothing(t *testing.T, in *lab.Namespace, args ...string) {
	t.Helper()
	got := ask(t, in, filepath.Join(bin, "pppoe-discovery"), args...)
	if got.code != 1 || got.out != "" || got.errs == "" {
		t.Errorf("our pppoe-discovery answers %+v, want 1 and a complaint", got)
	}
}
