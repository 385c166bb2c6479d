package interop

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"upppoe/test/lab"
)

// waitForFunc is a shell function that waits until a command succeeds.
const waitForFunc = `
wait_for() {
	for i in $(seq 1200); do "$@" > /dev/null 2>&1 && return; sleep 0.05; done
	echo "timed out: $*"; return 1
}
`

// serve starts the real pppoe-server in the guest, which runs pppd for each session, with the
// account and addresses of all tests here. It is ready when the kernel lists its PPPoE discovery
// socket. Nothing is lost on the way to it, so its timeouts may be long: each time it repeats an
// EAP challenge it generates another one with the same Identifier, and takes the response to the
// first one for a wrong one.
func (g *guest) serve(t testing.TB, require string, flags ...string) {
	t.Helper()
	g.must(t, waitForFunc+fmt.Sprintf(`
printf '%%s\n' %s 'ms-dns 192.0.2.53' 'ms-dns 192.0.2.54' 'eap-restart 30' 'chap-restart 30' debug 'logfile /run/server.log' > /etc/ppp/pppoe-server-options
for kind in chap pap; do echo '%s' > /etc/ppp/$kind-secrets; chmod 600 /etc/ppp/$kind-secrets; done
rm -f /run/server.log
pppoe-server -I vec0 -L %v -R %v -C real %s -F > /run/server.out 2>&1 &
wait_for grep -q ' 8863 ' /proc/net/packet
`, require, accounts, serverIP, clientIP, words(flags)))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("The real server logged:\n%s", g.must(t, "cat /run/server.out /run/server.log"))
		}
		// On SIGTERM, pppd takes some seconds.
		g.must(t, waitForFunc+`
none() { ! pgrep -x pppoe-server && ! pgrep -x pppd && ! pgrep -x pppoe; }
for program in pppoe-server pppd pppoe; do pkill -9 -x $program; done
wait_for none`)
	})
}

// awaitServerLog waits for a line in the log of the real server's pppd.
func (g *guest) awaitServerLog(t testing.TB, line string) {
	t.Helper()
	g.must(t, waitForFunc+"wait_for grep -qF '"+line+"' /run/server.log || { cat /run/server.log; exit 1; }")
}

func words(flags []string) (line string) {
	for _, f := range flags {
		line += " '" + f + "'"
	}
	return line
}

// dial dials with the real pppd and the kernel's PPPoE, and returns pppd's exit code, its log, and
// the configuration that it made. pppd detaches when the first of two protocols is up, so both are
// awaited.
func (g *guest) dial(t testing.TB, password string) (code int, told string) {
	t.Helper()
	return g.run(t, waitForFunc+`
rm -f /run/dial.log /etc/ppp/resolv.conf
pppd plugin rp-pppoe.so vec0 user testuser password `+password+` noauth usepeerdns debug updetach logfile /run/dial.log
code=$?
if [ $code = 0 ]; then
	wait_for grep -q 'remote IP address' /run/dial.log
	wait_for grep -q 'remote LL address' /run/dial.log
fi
cat /run/dial.log
[ $code = 0 ] && ip addr show ppp0 && cat /etc/ppp/resolv.conf
exit $code
`)
}

// hangUp terminates the real pppd's session like poff.
func (g *guest) hangUp(t testing.TB) {
	t.Helper()
	g.must(t, waitForFunc+"kill $(head -n 1 /run/ppp0.pid); wait_for test ! -e /sys/class/net/ppp0")
}

// startRelay starts the real pppoe-relay between two interfaces of a namespace. It needs no PPPoE
// in the kernel. It confuses a session with an earlier one of the same ID whose PADT it has not
// seen.
func startRelay(t testing.TB, in *lab.Namespace, clients, servers string) {
	t.Helper()
	cmd := exec.Command("pppoe-relay", "-C", clients, "-S", servers, "-F")
	check(t, in.Start(cmd))
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	check(t, in.Do(func() error { return awaitListeners(2) }))
}

// awaitListeners waits until as many session sockets are open as given, which pppoe-relay opens
// last.
func awaitListeners(sockets int) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); ; <-tick.C {
		b, err := os.ReadFile("/proc/thread-self/net/packet")
		if err != nil || bytes.Count(b, []byte(" 8864 ")) >= sockets {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("pppoe-relay does not listen; the sockets:\n%s", b)
		}
	}
}
