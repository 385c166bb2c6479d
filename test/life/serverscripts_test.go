package life

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// sharedScripts are the scripts that a server runs for a session of a shared device, serverScriptNames those for
// one with a device of its own.
var (
	sharedScripts     = []string{"auth-up", "auth-down", "ip-up", "ip-down", "ipv6-up", "ipv6-down"}
	serverScriptNames = append([]string{"net-init", "net-pre-up", "net-down", "ip-pre-up"}, sharedScripts...)
)

// serverScripts is a record of the scripts that a server runs.
type serverScripts struct{ path string }

// recordServerScripts gives the server scripts that record the user and their name.
func (w *testbed) recordServerScripts(t *testing.T) serverScripts {
	t.Helper()
	s := serverScripts{filepath.Join(w.serverEtc, "record")}
	for _, name := range serverScriptNames {
		w.serverFile(t, name, "#!/bin/sh\necho $PEERNAME "+name+" >>"+s.path+"\n", 0o755)
	}
	return s
}

// runs returns what has run, sorted.
func (s serverScripts) runs() []string {
	text, _ := os.ReadFile(s.path) // none has run
	return slices.Sorted(strings.Lines(string(text)))
}

// await waits until scripts have run, each of which is a user and a name.
func (s serverScripts) await(t *testing.T, scripts ...string) {
	t.Helper()
	for _, one := range scripts {
		await(t, one+" has run", func() bool { return slices.Contains(s.runs(), one+"\n") })
	}
}

// check checks that each of the scripts has run once for each user, and no other.
func (s serverScripts) check(t *testing.T, scripts []string, users ...string) {
	t.Helper()
	var want []string
	for _, user := range users {
		for _, name := range scripts {
			want = append(want, user+" "+name+"\n")
		}
	}
	slices.Sort(want)
	if got := s.runs(); !slices.Equal(got, want) {
		t.Errorf("the scripts that ran are %q, want %q", got, want)
	}
}

// serverNetwork returns devices, addresses and routes of the server's sessions.
func (w *testbed) serverNetwork(t *testing.T) (all string) {
	t.Helper()
	session := regexp.MustCompile(`\bppp(oe)?\d+\b`)
	for _, args := range []string{"-brief link", "-brief address", "-4 route show table all", "-6 route show table all"} {
		out, err := w.server.Run("ip", strings.Fields(args)...)
		if err != nil {
			t.Fatalf("ip %s: %v\n%s", args, err, out)
		}
		// The kernel says UNKNOWN until a device has lost its carrier for the first time.
		lines := slices.Sorted(strings.Lines(strings.ReplaceAll(out, " UNKNOWN ", " UP      ")))
		all += strings.Join(slices.DeleteFunc(lines, func(line string) bool { return !session.MatchString(line) }), "")
	}
	return all
}

// checkServerNetwork checks that the server's network is as it was: soon, as the kernel is slow to say that a
// device has its carrier again.
func (w *testbed) checkServerNetwork(t *testing.T, when, was string) {
	t.Helper()
	is := w.serverNetwork(t)
	for end := time.Now().Add(timeout); is != was && time.Now().Before(end); is = w.serverNetwork(t) {
		time.Sleep(20 * time.Millisecond)
	}
	if is != was {
		t.Errorf("%s, the server has\n%s\nit had\n%s", when, is, was)
	}
}
