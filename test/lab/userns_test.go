package lab_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/test/lab"
)

// ordinaryUserEnv is the environment variable that makes the test program act as a program that an
// ordinary user starts.
const ordinaryUserEnv = "UPPPOE_LAB_ORDINARY"

func TestMain(m *testing.M) {
	if os.Getenv(ordinaryUserEnv) != "" {
		os.Exit(enter())
	}
	os.Exit(m.Run())
}

// enter does what the demo does, and makes a device.
func enter() int {
	code, done, err := lab.Enter(func() error {
		fmt.Printf("user %d prepared, in %s\n", os.Geteuid(), network())
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	if done {
		return code
	}
	n, err := lab.NewNamespace()
	if err == nil {
		err = errors.Join(tap(n, "tap0"), n.Close())
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Printf("user %d made a tap\n", os.Geteuid())
	return 42
}

// network identifies the network namespace of this process.
func network() string {
	name, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return err.Error()
	}
	return name
}

// runAsOrdinaryUser runs the test program as an ordinary user with a /dev/net/tun of a given mode.
func runAsOrdinaryUser(t *testing.T, mode os.FileMode) (code int, output, outside string) {
	t.Helper()
	n := namespace(t)
	check(t, n.Do(func() error {
		outside, _ = os.Readlink("/proc/thread-self/ns/net")
		return nil
	}))
	node := filepath.Join(t.TempDir(), "tun")
	check(t, unix.Mknod(node, unix.S_IFCHR, int(unix.Mkdev(10, 200))))
	check(t, os.Chmod(node, mode))
	program, err := os.Open("/proc/self/exe")
	check(t, err)
	defer program.Close()
	var out strings.Builder
	// The user has no permission for the directory of the test program.
	cmd := exec.Command("/proc/self/fd/3")
	cmd.ExtraFiles = []*os.File{program}
	cmd.Dir = "/"
	cmd.Env = []string{ordinaryUserEnv + "=1"}
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	check(t, n.Start(cmd, lab.BindMount{Source: node, Target: "/dev/net/tun"}))
	if err := cmd.Wait(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), outside
}

// TestOrdinaryUserEnters: the program runs as root of a user namespace, after preparations outside,
// or reports why it cannot.
func TestOrdinaryUserEnters(t *testing.T) {
	roottest.Need(t)
	code, out, outside := runAsOrdinaryUser(t, 0o666)
	if code == 1 && strings.Contains(out, lab.ErrUserNamespace.Error()) {
		return // not permitted on this machine, which is reported
	}
	if code != 42 || out != "user 65534 prepared, in "+outside+"\nuser 0 made a tap\n" {
		t.Errorf("the program ended with %d, and said:\n%s", code, out)
	}
}

func TestOrdinaryUserWithoutTUN(t *testing.T) {
	roottest.Need(t)
	code, out, _ := runAsOrdinaryUser(t, 0o600)
	if code != 1 || strings.Contains(out, "prepared") || !strings.Contains(out, lab.ErrTUN.Error()) {
		t.Errorf("without /dev/net/tun the program ended with %d, and said:\n%s", code, out)
	}
}
