package life

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"upppoe/test/lab"
)

// stalledReaders are outputs that are not read.
var stalledReaders = map[string]func(t *testing.T) *os.File{
	"it has ended":    closedReader,
	"it stands still": fullReader,
}

// closedReader returns a pipe whose reading end is closed.
func closedReader(t *testing.T) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	check(t, err)
	check(t, r.Close())
	return w
}

// fullReader returns a pipe that is full.
func fullReader(t *testing.T) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	check(t, err)
	t.Cleanup(func() { r.Close() })
	fd := int(w.Fd())
	check(t, unix.SetNonblock(fd, true))
	for block := make([]byte, 4096); err == nil; {
		_, err = unix.Write(fd, block)
	}
	check(t, unix.SetNonblock(fd, false))
	return w
}

// startWithOutput starts a program whose output is not read.
func startWithOutput(t *testing.T, in *lab.Namespace, cmd *exec.Cmd, reader *os.File, binds ...lab.BindMount) *os.Process {
	t.Helper()
	cmd.Stdout, cmd.Stderr = reader, reader
	check(t, in.Start(cmd, binds...))
	reader.Close()
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd.Process
}

// TestLogReaderStalls: a log that is not read, or whose reader has ended, neither blocks nor ends
// client and server; both end orderly on request.
func TestLogReaderStalls(t *testing.T) {
	for what, reader := range stalledReaders {
		t.Run(what, func(t *testing.T) {
			w := newTestbed(t)
			server := exec.Command(filepath.Join(bin, "pppoe-server"), "-I", "eth0", "-L", "192.0.2.1", "-R", "192.0.2.10", "-F", "-d", "--etc", w.serverEtc)
			startWithOutput(t, w.server, server, reader(t))
			client := w.command("pppoe-client", append([]string{"eth0", "nodetach", "debug", "persist", "holdoff", "0", "json"}, account...)...)
			startWithOutput(t, w.client, client, reader(t), w.binds()...)
			for range 3 { // about 100 lines with repeated dials
				w.awaitOnline(t)
				if _, err := w.client.Ping(ip("192.0.2.1"), 1, timeout); err != nil {
					t.Fatal(err)
				}
				if r := w.run(t, "pppoe-client", "hangup"); r.code != 0 {
					t.Fatalf("hangup: %+v", r)
				}
				w.awaitStatus(t, "it has redialled", isOnline)
			}
			check(t, client.Process.Signal(unix.SIGTERM))
			if state, err := client.Process.Wait(); err != nil || state.ExitCode() != 5 {
				t.Errorf("the client ended: %v, %v", state, err)
			}
			check(t, server.Process.Signal(unix.SIGTERM))
			if state, err := server.Process.Wait(); err != nil || state.ExitCode() != 0 {
				t.Errorf("the server ended: %v, %v", state, err)
			}
			w.leftNothing(t)
		})
	}
}

// TestQuit: SIGQUIT ends a session orderly, like SIGTERM.
func TestQuit(t *testing.T) {
	w := newTestbed(t)
	server := w.serve(t)
	client := w.dial(t)
	w.awaitOnline(t)
	check(t, unix.Kill(client.PID(), unix.SIGQUIT))
	wantExit(t, client, 5)
	check(t, server.Await("Session 1 closed for client .*: peer-terminated"))
	if strings.Contains(client.Log(), "goroutine") || !strings.Contains(client.Log(), "Terminating on signal 3\n") {
		t.Errorf("the client says\n%s", client.Log())
	}
	client = w.dial(t)
	w.awaitOnline(t)
	for _, s := range []unix.Signal{unix.SIGUSR1, unix.SIGUSR2} { // without effect, as in pppd
		check(t, unix.Kill(server.PID(), s))
	}
	check(t, unix.Kill(server.PID(), unix.SIGQUIT))
	wantExit(t, server, 0)
	wantExit(t, client, 16)
	if strings.Contains(server.Log(), "goroutine") || !strings.Contains(client.Log(), "LCP terminated by peer") {
		t.Errorf("the server says\n%s", server.Log())
	}
}

// TestLogFile: with a log file, no line of it goes to the terminal, whether the program detaches or
// not; with updetach, the reason of a failure does.
func TestLogFile(t *testing.T) {
	w := newTestbed(t)
	w.serve(t, "-S", "gold")
	log := filepath.Join(w.dir, "run", "log")
	w.write(t, "etc/peers/isp", peerFile+"logfile /run/log\n", 0o600)
	for _, args := range []string{"", "updetach"} {
		r := w.run(t, "pppoe-client", append([]string{"call", "isp"}, strings.Fields(args)...)...)
		text, _ := os.ReadFile(log)
		if r != (result{}) || strings.Count(string(text), "local  IP address") != 1 {
			t.Errorf("%q: %+v, and the file has\n%s", args, r, text)
		}
		w.run(t, "pppoe-client", "stop")
		check(t, os.Remove(log))
	}
	p := w.start(t, "pppoe-client", "call", "isp", "nodetach")
	w.awaitOnline(t)
	p.Stop()
	if text, _ := os.ReadFile(log); p.Log() != "" || strings.Count(string(text), "local  IP address") != 1 {
		t.Errorf("nodetach: the terminal has\n%s\nand the file\n%s", p.Log(), text)
	}
	for way, want := range map[string]string{"nodetach": "", "updetach": "Timeout"} {
		check(t, os.Remove(log))
		r := w.run(t, "pppoe-client", "call", "isp", "pppoe-padi-timeout", "1", "pppoe-padi-attempts", "1", "pppoe-service", "none", way)
		if text, _ := os.ReadFile(log); r.code != 8 || r.stdout != "" || (r.stderr == "") != (want == "") || !strings.Contains(string(text), "Timeout waiting for PADO") {
			t.Errorf("%s: %+v, and the file has\n%s", way, r, text)
		}
	}
}
