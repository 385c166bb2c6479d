package life

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/test/lab"
)

// readCapabilities returns a process's capability sets and no_new_privs flag, by their names in
// proc(5).
func readCapabilities(t testing.TB, statusFile string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(statusFile)
	check(t, err)
	return capabilitiesIn(string(text))
}

func capabilitiesIn(status string) map[string]string {
	found := map[string]string{}
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if strings.HasPrefix(name, "Cap") || name == "NoNewPrivs" {
			found[name] = strings.TrimSpace(value)
		}
	}
	return found
}

// checkCapabilities checks that all threads of a program have these capabilities and no others, and
// that a root program that it starts can regain all, as scripts need.
func checkCapabilities(t testing.TB, p *lab.Program, capabilities ...int) {
	t.Helper()
	var set uint64
	for _, c := range capabilities {
		set |= 1 << c
	}
	kept, none := fmt.Sprintf("%016x", set), fmt.Sprintf("%016x", 0)
	all := readCapabilities(t, "/proc/self/status")["CapBnd"]
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", p.PID()))
	if err != nil || len(threads) == 0 {
		t.Fatalf("threads %v: %v", threads, err)
	}
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue // it has ended
		}
		check(t, err)
		is := capabilitiesIn(string(text))
		for name, want := range map[string]string{"CapPrm": kept, "CapEff": kept, "CapInh": none, "CapAmb": none, "CapBnd": all, "NoNewPrivs": "0"} {
			if is[name] != want {
				t.Errorf("%s: %s is %q, want %s", thread, name, is[name], want)
			}
		}
	}
}

// TestClientRights: an online client keeps what the next dial needs.
func TestClientRights(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	client := w.dial(t)
	w.awaitOnline(t)
	checkCapabilities(t, client, unix.CAP_NET_RAW, unix.CAP_NET_ADMIN, unix.CAP_NET_BIND_SERVICE, unix.CAP_BPF, unix.CAP_PERFMON)
}

// TestServerRights: a running server keeps what later sessions need, on each data path, and no
// more. Its scripts have all of root's capabilities.
func TestServerRights(t *testing.T) {
	loads := []int{unix.CAP_BPF, unix.CAP_PERFMON} // BPF programs, for an interface that has come back
	for _, c := range []struct {
		path, flags string
		inKernel    bool
		keeps       []int
	}{
		{"plain", "", false, nil},
		{"offload", "", false, nil},
		{"kernel", "", true, loads},
		{"auto", "", true, loads},
		{"auto", "--ipv6-networks=2001:db8:1::/48", true, append([]int{unix.CAP_NET_BIND_SERVICE}, loads...)},
	} {
		t.Run(c.path+c.flags, func(t *testing.T) {
			w := newSwitchedTestbed(t)
			w.serverOptions(t, "require-chap\ndatapath "+c.path+"\n")
			told := filepath.Join(w.dir, "rights")
			script := fmt.Sprintf("#!/bin/sh\ncat /proc/self/status >%[1]s.part && mv %[1]s.part %[1]s\n", told)
			check(t, os.WriteFile(filepath.Join(w.serverEtc, "ip-up"), []byte(script), 0o755))
			server := w.serve(t, strings.Fields(c.flags)...)
			keeps := append([]int{unix.CAP_NET_RAW, unix.CAP_NET_ADMIN}, c.keeps...)
			checkCapabilities(t, server, keeps...)

			w.session(t, c.inKernel)
			await(t, "ip-up has run", func() bool { _, err := os.Stat(told); return err == nil })
			if is := readCapabilities(t, told); is["CapEff"] != is["CapBnd"] {
				t.Errorf("of %s a script has %s", is["CapBnd"], is["CapEff"])
			}
			check(t, os.WriteFile(filepath.Join(w.serverEtc, "chap-secrets"), []byte("# read again\n"+user+" * "+secret+" *\n"), 0o600))
			w.session(t, c.inKernel)
			setUp(t, w.server, false)
			setUp(t, w.server, true)
			w.session(t, c.inKernel)

			checkCapabilities(t, server, keeps...)
			w.dial(t)
			w.awaitOnline(t)
			if code, err := server.Stop(); err != nil || code != 0 {
				t.Errorf("it ended with %d: %v", code, err)
			}
			// The kernel data path's programs are removed a moment after the process ends.
			await(t, "no device is left", func() bool { return len(linksOf(t, w.server)) == 0 })
			if n := attachedPrograms(t, w.server, "eth0", ebpf.AttachTCXIngress); n != 0 {
				t.Errorf("%d programs are left at the Ethernet interface", n)
			}
		})
	}
}

// TestServerSecretsUnreadable: with a file that root may read only by capabilities, which the
// server drops, all logins fail, and the log says at start what to do.
func TestServerSecretsUnreadable(t *testing.T) {
	w := newTestbed(t)
	check(t, os.Chown(filepath.Join(w.serverEtc, "chap-secrets"), 65534, 65534))
	server := w.serve(t)
	if before, _, _ := strings.Cut(server.Log(), "Serving on "); !strings.Contains(before, "chap-secrets: permission denied: make the server's user the owner of this file") {
		t.Errorf("it does not say so at start:\n%s", server.Log())
	}
	wantExit(t, w.dial(t), 19)
}

// session dials, checks whether the server's kernel sends to the client, and hangs up.
func (w *testbed) session(t *testing.T, inKernel bool) {
	t.Helper()
	client := w.dial(t)
	w.awaitOnline(t)
	if _, err := w.client.Ping(ip("192.0.2.1"), 1, timeout); err != nil {
		t.Error(err)
	}
	if inKernel {
		await(t, "the kernel sends", func() bool { return attachedPrograms(t, w.server, "ppp0", ebpf.AttachTCXEgress) == 1 })
	} else if n := attachedPrograms(t, w.server, "ppp0", ebpf.AttachTCXEgress); n != 0 {
		t.Errorf("%d programs send", n)
	}
	if r := w.run(t, "pppoe-client", "stop"); r.code != 0 {
		t.Errorf("stop: %+v", r)
	}
	wantExit(t, client, 5)
	await(t, "the session's device is gone", func() bool { return len(linksOf(t, w.server)) == 0 })
}

// attachedPrograms returns how many programs are attached to a device.
func attachedPrograms(t testing.TB, in *lab.Namespace, device string, where ebpf.AttachType) (n int) {
	t.Helper()
	err := in.Do(func() error {
		l, err := netlink.LinkByName(device)
		if err != nil {
			return err
		}
		attached, err := link.QueryPrograms(link.QueryOptions{Target: l.Attrs().Index, Attach: where})
		if err == nil {
			n = len(attached.Programs)
		}
		return err
	})
	if errors.Is(err, ebpf.ErrNotSupported) {
		roottest.SkipMissing(t, "this kernel has no TCX (Linux 6.6), by which to see what is attached")
	}
	check(t, err)
	return n
}
