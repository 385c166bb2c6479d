package life

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"upppoe/internal/mgmt/status"
)

// processList returns a process's command line and name.
func processList(t testing.TB, pid int) (line, name string) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	check(t, err)
	comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	check(t, err)
	return strings.ReplaceAll(string(text), "\x00", " "), strings.TrimSpace(string(comm))
}

// readAsDebugger opens a file of a process as another process of its user without root's
// capabilities would: without permission to access processes that are not dumpable (ptrace(2)).
func readAsDebugger(path string) error {
	done := make(chan error)
	// Its thread, which has fewer capabilities than others, ends with it.
	go func() {
		runtime.LockOSThread()
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var data [2]unix.CapUserData
		err := unix.Capget(&header, &data[0])
		if err == nil {
			data[0].Effective &^= 1 << unix.CAP_SYS_PTRACE
			err = unix.Capset(&header, &data[0])
		}
		if err == nil {
			var f *os.File
			if f, err = os.Open(path); err == nil {
				f.Close()
			}
		}
		done <- err
	}()
	return <-done
}

// TestPasswordInProcessList: a password on the command line is hidden, in the foreground and the
// background, and is still used. Only root may read the process's memory.
func TestPasswordInProcessList(t *testing.T) {
	for _, way := range []string{"nodetach", "updetach"} {
		t.Run(way, func(t *testing.T) {
			w := newTestbed(t)
			server := w.serve(t)
			p := w.start(t, "pppoe-client", append([]string{"eth0", way, "--password=" + "wrong"}, account...)...)
			s := w.awaitOnline(t)
			if line, _ := processList(t, s.PID); strings.Contains(line, secret) || strings.Contains(line, "wrong") ||
				!strings.Contains(line, "--password=????? user "+user+" password "+strings.Repeat("?", len(secret))+" noauth") {
				t.Errorf("the process list has %s", line)
			}
			if err := readAsDebugger(fmt.Sprintf("/proc/%d/mem", s.PID)); !errors.Is(err, os.ErrPermission) {
				t.Errorf("the client's memory can be read: %v", err)
			}
			if err := readAsDebugger(fmt.Sprintf("/proc/%d/mem", server.PID())); !errors.Is(err, os.ErrPermission) {
				t.Errorf("the server's memory can be read: %v", err)
			}
			if err := readAsDebugger("/proc/self/mem"); err != nil {
				t.Errorf("nothing is tested: %v", err)
			}
			w.run(t, "pppoe-client", "stop")
			awaitExit(t, s.PID)
			p.Wait()
		})
	}
}

// TestNameInProcessList: a process that was started by pon, or as pppd, is named pppd, as scripts
// expect.
func TestNameInProcessList(t *testing.T) {
	for program, args := range map[string]string{"pon": "isp", "pppd": "call isp", "pppoe-client": "call isp"} {
		for _, way := range []string{"nodetach", "updetach"} {
			t.Run(program+" "+way, func(t *testing.T) {
				w := newTestbed(t)
				w.serve(t)
				w.write(t, "etc/peers/isp", peerFile, 0o600)
				p := w.start(t, program, append(strings.Fields(args), way)...)
				s := w.awaitStatus(t, "it is online", func(s status.Status) bool { return isOnline(s) })
				want := "pppd"
				if program == "pppoe-client" {
					want = program
				}
				line, name := processList(t, s.PID)
				argv0, rest, _ := strings.Cut(line, " ")
				if name != want || argv0[strings.LastIndexByte(argv0, '/')+1:] != want || rest != "call isp "+way+" " {
					t.Errorf("its name is %s: %s; want %s", name, line, want)
				}
				w.run(t, "pppoe-client", "stop")
				awaitExit(t, s.PID)
				p.Wait()
			})
		}
	}
}
