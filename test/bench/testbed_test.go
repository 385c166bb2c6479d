package bench

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/test/lab"
	"upppoe/test/lab/labtest"
)

// testbed is a namespace of a client and one of a server, on one Ethernet, with our programs.
type testbed struct {
	client, server *lab.Namespace
	bin, run       string
}

func newTestbed(b *testing.B) *testbed {
	b.Helper()
	roottest.Need(b)
	l := &testbed{labtest.Namespace(b), labtest.Namespace(b), b.TempDir(), b.TempDir()}
	must(b, lab.Build("../..", l.bin, "./cmd/pppoe-client", "./cmd/pppoe-server", "./cmd/pppoe-discovery"))
	must(b, lab.Veth(lab.End{In: l.client, Name: "eth0"}, lab.End{In: l.server, Name: "eth0"}))
	for name, text := range map[string]string{"pppoe-server-options": "require-chap\n", "chap-secrets": "u * p *\n"} {
		must(b, os.WriteFile(filepath.Join(l.bin, name), []byte(text), 0o600))
	}
	return l
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (l *testbed) serve(b *testing.B, flags ...string) *lab.Program {
	b.Helper()
	args := append([]string{"-I", "eth0", "-F", "--etc", l.bin}, flags...)
	p := l.launch(b, l.server, "pppoe-server", args...)
	must(b, p.Await("Serving on"))
	return p
}

func (l *testbed) dial(b *testing.B, options ...string) *lab.Program {
	b.Helper()
	args := append([]string{"eth0", "user", "u", "password", "p", "noauth", "nodetach", "state-dir", filepath.Join(l.run, "state")}, options...)
	return l.launch(b, l.client, "pppoe-client", args...)
}

// launch starts a program with a /run of its own, because killed programs leave files there, and
// without the machine's options and scripts.
func (l *testbed) launch(b *testing.B, in *lab.Namespace, name string, args ...string) *lab.Program {
	b.Helper()
	binds, err := lab.PrivateDirs(filepath.Join(l.run, name))
	must(b, err)
	p, err := in.Launch(exec.Command(filepath.Join(l.bin, name), args...), binds...)
	must(b, err)
	b.Cleanup(func() { p.Stop() })
	return p
}

func kill(b *testing.B, p *lab.Program) {
	b.Helper()
	must(b, unix.Kill(p.PID(), unix.SIGKILL))
	p.Wait() // no exit code
}
