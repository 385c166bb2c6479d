// Package forward tests traffic between hosts without PPPoE that our client and our server forward.
package forward

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"upppoe/test/lab"
	"upppoe/test/lab/labtest"
)

// bin is the directory of our programs.
var bin string

func TestMain(m *testing.M) {
	prepare := func(dir string) error { bin = dir; return nil }
	os.Exit(labtest.Main(m, prepare, "./cmd/pppoe-client", "./cmd/pppoe-server", "./test/forward/sessionend"))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// etc are the files in /etc/ppp.
var etc = map[string]string{
	"pppoe-server-options": "require-chap\n",
	"chap-secrets":         "\"testuser\" * \"testpassword\" *\n",
}

// start starts one of our programs, until the end of the test.
func start(t testing.TB, in *lab.Namespace, name string, args ...string) *lab.Program {
	t.Helper()
	return startWith(t, etc, in, name, args...)
}

func startWith(t testing.TB, etc map[string]string, in *lab.Namespace, name string, args ...string) *lab.Program {
	t.Helper()
	dir := t.TempDir()
	for file, text := range etc {
		check(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
	}
	p, err := in.Launch(exec.Command(filepath.Join(bin, name), args...), lab.BindMount{Source: dir, Target: "/etc/ppp"})
	check(t, err)
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, p.Log())
		}
	})
	return p
}
