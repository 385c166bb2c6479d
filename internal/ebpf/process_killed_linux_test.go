package ebpf

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"upppoe/internal/roottest"
	"upppoe/pppoe/vlan"
	"upppoe/test/lab"
	"upppoe/tun"
)

// attached counts the programs at the station's Ethernet interface and at one TUN.
func attached(t *testing.T, e *station, device string) (n int) {
	t.Helper()
	e.do(func() error {
		for _, at := range []struct {
			name string
			kind ebpf.AttachType
		}{{ethernet, ingress}, {ethernet, ebpf.AttachXDP}, {device, egress}} {
			iface, err := net.InterfaceByName(at.name)
			if err != nil {
				continue // with its programs
			}
			if at.kind == ebpf.AttachXDP {
				if out, _ := exec.Command("ip", "-d", "link", "show", at.name).Output(); bytes.Contains(out, []byte("prog/xdp")) {
					n++
				}
				continue
			}
			r, err := link.QueryPrograms(link.QueryOptions{Target: iface.Index, Attach: at.kind})
			if err == nil {
				n += len(r.Programs)
			}
			n += len(clsactFilters(t, iface.Index, at.kind))
		}
		return nil
	})
	return n
}

// Environment variables of the child process that is killed: its mode, TCX or childClsact, and its
// Config.UndoDir.
const (
	childMode    = "UPPPOE_EBPF_CHILD"
	childClsact  = "filters"
	childUndoDir = "UPPPOE_EBPF_UNDO_DIR"
)

// TestMain runs the child process that is killed, for killedProcess.
func TestMain(m *testing.M) {
	if os.Getenv(childMode) != "" {
		os.Exit(runChild())
	}
	if os.Getenv(childSurvivor) != "" {
		fmt.Fprintln(os.Stderr, runSurvivor()) // it ends only by an error
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// runChild opens a session, creates the segmentation pair, reports that, and waits.
func runChild() int {
	e, at, err := openAttached(Config{Sessions: 1, Exclusive: true, UndoDir: os.Getenv(childUndoDir), noTCX: os.Getenv(childMode) == childClsact})
	if err != nil {
		println(err.Error())
		return 1
	}
	device, err := tun.Open(tun.Config{Name: "child0"})
	if err != nil {
		println(err.Error())
		return 1
	}
	if _, err := at.Link(vlan.Stack{}, 0).Add(sessionConfig(1, addrs[0], addrs[1], device)); err != nil {
		println(err.Error())
		return 1
	}
	e.mu.Lock()
	err = at.segmentation.create(at)
	e.mu.Unlock()
	if err != nil {
		println(err.Error())
		return 1
	}
	os.Stdout.WriteString("ready\n")
	select {}
}

// TestProcessKilled: the kernel cleans up after a killed process.
func TestProcessKilled(t *testing.T) {
	if !haveTCX(t) {
		roottest.SkipMissing(t, "this kernel has no TCX (Linux 6.6): see TestProcessKilledClsact")
	}
	awaitCleanup(t, killedProcess(t, "TCX"))
}

// killedProcess opens a session in a child process, kills it, and returns its station.
func killedProcess(t *testing.T, mode string) *station {
	t.Helper()
	roottest.Need(t, "ip")
	var ns [2]*lab.Namespace
	for i := range ns {
		var err error
		if ns[i], err = lab.NewNamespace(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ns[i].Close() })
	}
	if err := lab.Veth(lab.End{In: ns[0], Name: ethernet}, lab.End{In: ns[1], Name: ethernet}); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childMode+"="+mode)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := ns[0].Start(cmd); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	e := &station{t: t, ns: ns[0]}
	before, interfaces := attached(t, e, "child0"), e.interfaces()
	cmd.Process.Kill()
	cmd.Wait()
	if line != "ready\n" || err != nil || before != 3 || interfaces != 5 {
		t.Fatalf("%d programs were attached, with %d interfaces: %q, %v", before, interfaces, line, err)
	}
	return e
}

// awaitCleanup waits until the kernel has cleaned up, which it does asynchronously.
func awaitCleanup(t *testing.T, e *station) {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		var left []net.Interface
		e.do(func() (err error) {
			left, err = net.Interfaces()
			return err
		})
		n := attached(t, e, "child0")
		if n == 0 && len(left) == 2 { // lo and eth0
			return
		}
		if time.Now().After(until) {
			t.Fatalf("%d programs are left, and of interfaces %v", n, left)
		}
	}
}
