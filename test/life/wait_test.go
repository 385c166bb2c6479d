package life

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// stopNotice is the time after which a stop prints that it waits.
const stopNotice = time.Second

// TestStopTimeout: stopping a client whose concentrator does not answer says what is awaited;
// otherwise nothing is printed.
func TestStopTimeout(t *testing.T) {
	for _, stop := range []string{"pppoe-client stop", "poff"} {
		w := newTestbed(t)
		server := w.serve(t)
		name, arg, _ := strings.Cut(stop, " ")
		for _, dead := range []bool{false, true} {
			p := w.dial(t)
			w.awaitOnline(t)
			if dead {
				check(t, unix.Kill(server.PID(), unix.SIGSTOP))
			}
			began := time.Now()
			r := w.run(t, name, strings.Fields(arg)...)
			if !dead && time.Since(began) > stopNotice { // on a busy machine
				r.stderr = ""
			}
			if r.code != 0 || strings.Contains(r.stderr, "waiting up to 1m0s") != dead || !dead && r.stderr != "" {
				t.Errorf("%s, dead concentrator %v: %+v", stop, dead, r)
			}
			wantExit(t, p, 5)
		}
		check(t, unix.Kill(server.PID(), unix.SIGCONT))
	}
}

// TestRedialErrorLogged: what prevents the next dial is logged once each time.
func TestRedialErrorLogged(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	p := w.dial(t, "persist", "holdoff", "1", "noipv6", "datapath", "plain")
	s := w.awaitOnline(t)
	check(t, unix.Prlimit(s.PID, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 8, Max: 8}, nil))
	check(t, unix.Kill(s.PID, unix.SIGHUP))
	check(t, p.Await("Dialling again in .*: .*too many open files\n"))
	check(t, unix.Kill(s.PID, unix.SIGTERM))
	p.Wait()
}
