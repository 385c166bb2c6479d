package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
	"upppoe/test/lab"
)

// testWire is a veth pair from "near" in one network namespace to "far" in another, and the program.
type testWire struct {
	*testing.T
	near, far *lab.Namespace
	program   string
	used      time.Duration // processor time of the program's last run
}

func newWire(t *testing.T) *testWire {
	t.Helper()
	roottest.Need(t)
	dir := t.TempDir()
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chmod(filepath.Dir(dir), 0o755)); err != nil { // run is another user
		t.Fatal(err)
	}
	if err := lab.Build("../..", dir, "./cmd/pppoe-discovery"); err != nil {
		t.Fatal(err)
	}
	w := &testWire{T: t, program: filepath.Join(dir, "pppoe-discovery")}
	for _, n := range []**lab.Namespace{&w.near, &w.far} {
		var err error
		if *n, err = lab.NewNamespace(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { (*n).Close() })
	}
	if err := lab.Veth(lab.End{In: w.near, Name: "near"}, lab.End{In: w.far, Name: "far"}); err != nil {
		t.Fatal(err)
	}
	return w
}

// answering starts a concentrator on the far side, on a VLAN or untagged.
func (w *testWire) answering(tags vlan.Stack, name string) {
	w.Helper()
	var port *afpacket.Port
	err := w.far.Do(func() (err error) {
		port, err = afpacket.Open(afpacket.Attachment{Interface: "far", VLAN: tags}, wire.EtherTypeDiscovery)
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { port.Close() })
	c := discovery.NewConcentrator(port.Addr(), discovery.ConcentratorConfig{ACName: name, Rand: rand.Reader})
	// Ends with the port.
	go serve(port, c)
}

func serve(port datapath.Port, c *discovery.Concentrator) {
	frames := []datapath.Frame{{Data: make([]byte, 1514)}}
	for {
		n, err := port.ReadBatch(frames)
		if err != nil {
			return
		}
		var q wire.Queue
		if f, err := wire.ParseDiscoveryFrame(frames[0].Data); n == 1 && err == nil && f.Code == wire.PADI {
			c.ReceivePADI(time.Now(), f, &q)
		}
		for _, f := range q.All() {
			port.WriteBatch([][]byte{f.AppendTo(nil)})
		}
	}
}

// run runs the program on the near side as user nobody, with these capabilities only.
func (w *testWire) run(capabilities []uintptr, args ...string) (stdout, stderr string, code int) {
	w.Helper()
	var outBuffer, errBuffer bytes.Buffer
	cmd := exec.Command(w.program, append([]string{"-I", "near"}, args...)...)
	cmd.Stdout, cmd.Stderr = &outBuffer, &errBuffer
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential:  &syscall.Credential{Uid: 65534, Gid: 65534},
		AmbientCaps: capabilities,
	}
	if err := w.near.Start(cmd); err != nil {
		w.Fatal(err)
	}
	exited := (*exec.ExitError)(nil)
	if err := cmd.Wait(); err != nil && !errors.As(err, &exited) {
		w.Fatal(err)
	}
	w.used = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return outBuffer.String(), errBuffer.String(), cmd.ProcessState.ExitCode()
}

var netRaw = []uintptr{unix.CAP_NET_RAW}

// TestCapability: CAP_NET_RAW is sufficient with any flags; without it, the error names it.
func TestCapability(t *testing.T) {
	w := newWire(t)
	w.answering(vlan.Stack{}, "here")
	for _, args := range [][]string{
		{"-t", "1"},
		{"-t", "1", "--source", "02:00:5e:00:53:77"},
		{"-t", "1", "--vlan", "untagged,5"},
	} {
		out, stderr, code := w.run(netRaw, args...)
		if code != 0 || stderr != "" || !strings.Contains(out, "Access-Concentrator: here\n") {
			t.Errorf("%q: exit code %d, %q and %q", args, code, out, stderr)
		}
		out, stderr, code = w.run(nil, args...)
		if code != 1 || out != "" || !strings.Contains(stderr, "CAP_NET_RAW") {
			t.Errorf("%q without the capability: exit code %d, %q and %q", args, code, out, stderr)
		}
	}
}

// TestScanKernel: a search of all VLANs, of which fifty answer, in little processor time, and of some pairs. How long a
// search lasts is TestScan's of package pppoe.
func TestScanKernel(t *testing.T) {
	w := newWire(t)
	var want []string
	for i := range 50 {
		tags := vlan.Stack{{TPID: vlan.CTag, VID: uint16(1 + i*83)}}
		w.answering(tags, fmt.Sprintf("ac-%v", tags))
		want = append(want, fmt.Sprintf("%v ac-%v", tags, tags))
	}
	w.answering(vlan.Stack{}, "untagged")
	pair := vlan.Stack{{TPID: vlan.STag, VID: 50}, {TPID: vlan.CTag, VID: 100}}
	w.answering(pair, "pair")

	w.scan(want, "1-4094")
	if t.Logf("a scan of 4094 VLANs took %v of processor time", w.used); w.used > 2*time.Second {
		t.Error("want less than 2 s")
	}
	w.scan([]string{"50.100 pair"}, "49-51.90-110")
	w.scan([]string{"50.100 pair", "untagged untagged"}, "untagged,50.100")
}

// scan searches a list of VLANs and compares the result.
func (w *testWire) scan(want []string, list string) {
	w.Helper()
	out, stderr, code := w.run(netRaw, "--vlan", list, "--json")
	if code != 0 || stderr != "" {
		w.Fatalf("%s: exit code %d and %q", list, code, stderr)
	}
	var d document
	if err := json.Unmarshal([]byte(out), &d); err != nil {
		w.Fatal(err)
	}
	var got []string
	for _, c := range d.Concentrators {
		got = append(got, c.VLAN+" "+c.Name)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.Errorf("%s: found %q, want %q", list, got, want)
	}
}
