package container

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"upppoe/test/guest"
	"upppoe/test/lab"
)

// spec is the configuration of a container (docker run).
type spec struct {
	Root    string // of the image
	Args    []string
	Env     []string
	Caps    []int             // --cap-drop ALL, and --cap-add of these
	Run     bool              // --tmpfs /run
	State   string            // host directory mounted at /var/lib/upppoe (-v); empty: none
	Volumes map[string]string // host directory or file (-v), by container path
	Debian  bool              // the image is based on Debian, whose programs are taken from the host
	Sysctls map[string]string // --sysctl, by file name below /proc/sys
	TUN     bool              // --device /dev/net/tun
	NoBPF   bool              // --security-opt seccomp=, with a profile that forbids the system call bpf
	Files   string            // host directory mounted read-only at /etc/ppp (-v); empty: none
}

// specEnv is the environment variable that makes the test program a container's first process: it
// holds a spec.
const specEnv = "UPPPOE_CONTAINER"

// run runs a container in a network namespace, as an engine does with --read-only and
// --security-opt no-new-privileges.
func run(t testing.TB, in *lab.Namespace, s spec) *lab.Program {
	t.Helper()
	s.Env = append(s.Env[:len(s.Env):len(s.Env)], tunables()...)
	text, err := json.Marshal(s)
	check(t, err)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(tunables(), specEnv+"="+string(text))
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS,
	}
	p, err := in.Launch(cmd)
	check(t, err)
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Logf("%s said:\n%s", strings.Join(s.Args, " "), p.Log())
		}
	})
	return p
}

// tunables are what every program needs in a guest, whose kernel does not save all registers.
func tunables() (env []string) {
	for _, name := range []string{"GODEBUG", "GLIBC_TUNABLES"} {
		if value, ok := os.LookupEnv(name); ok && guest.Inside() {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// enterContainer turns this process, which is the first of its namespaces, into the container's.
func enterContainer(text string) error {
	runtime.LockOSThread() // capabilities belong to a thread, and are kept by execve
	var s spec
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	if err := s.mount(); err != nil {
		return err
	}
	if err := dropCapabilities(s.Caps); err != nil {
		return err
	}
	if s.NoBPF {
		if err := forbidBPF(); err != nil {
			return err
		}
	}
	program, err := lookPath(s.Args[0], s.Env)
	if err != nil {
		return err
	}
	return unix.Exec(program, s.Args, s.Env)
}

// lookPath finds a program on the container's path, as engines do.
func lookPath(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, variable := range env {
		path, _ := strings.CutPrefix(variable, "PATH=")
		for _, dir := range filepath.SplitList(path) {
			if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode()&0o111 != 0 {
				return filepath.Join(dir, name), nil
			}
		}
	}
	return "", fmt.Errorf("%s: executable file not found in $PATH", name)
}

// mount makes a root of the image's files and those that an engine adds.
func (s spec) mount() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	in := func(name string) string { return filepath.Join(s.Root, name) }
	for _, name := range []string{"proc", "sys", "dev", "etc/ppp", "run", "var/lib/upppoe", "old"} {
		if err := os.MkdirAll(in(name), 0o755); err != nil {
			return err
		}
	}
	err := errors.Join(
		s.writeSysctls(),
		unix.Mount(s.Root, s.Root, "", unix.MS_BIND, ""),
		unix.Mount("proc", in("proc"), "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""),
		unix.Mount("sysfs", in("sys"), "sysfs", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""),
		unix.Mount("tmpfs", in("dev"), "tmpfs", unix.MS_NOSUID, "mode=755"),
		readOnly(in("proc/sys"), in("proc/sys")),
		s.devices(in("dev")),
	)
	if err == nil && s.Debian {
		err = debian(s.Root)
	}
	if err == nil && s.Run {
		err = unix.Mount("tmpfs", in("run"), "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	}
	if err == nil && s.State != "" {
		err = unix.Mount(s.State, in("var/lib/upppoe"), "", unix.MS_BIND, "")
	}
	if err == nil && s.Files != "" {
		err = readOnly(s.Files, in("etc/ppp"))
	}
	for over, from := range s.Volumes {
		err = errors.Join(err, bindMount(from, in(over)))
	}
	if err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	if err := errors.Join(unix.PivotRoot(s.Root, in("old")), unix.Chdir("/"), unix.Unmount("/old", unix.MNT_DETACH)); err != nil {
		return fmt.Errorf("change the root: %w", err)
	}
	return unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, "")
}

// writeSysctls writes sysctls that are read-only afterwards.
func (s spec) writeSysctls() error {
	for name, value := range s.Sysctls {
		if err := os.WriteFile(filepath.Join("/proc/sys", name), []byte(value), 0); err != nil {
			return err
		}
	}
	return nil
}

// bindMount mounts a file or directory over another one, which is created if it does not exist.
func bindMount(from, over string) error {
	info, err := os.Stat(from)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(over), 0o755)
	}
	switch {
	case err != nil:
		return err
	case info.IsDir():
		err = os.MkdirAll(over, 0o755)
	default:
		err = unix.Mknod(over, unix.S_IFREG|0o644, 0)
	}
	if err != nil && err != unix.EEXIST {
		return err
	}
	return unix.Mount(from, over, "", unix.MS_BIND, "")
}

// debian gives an image the programs of Debian: the host's, and ifupdown-ng from where a test
// machine has it.
func debian(root string) error {
	for _, name := range []string{"usr/bin", "usr/sbin", "usr/lib", "usr/lib64"} {
		if _, err := os.Stat("/" + name); err == nil {
			if err := bindMount("/"+name, filepath.Join(root, name)); err != nil {
				return err
			}
		}
	}
	for _, name := range []string{"bin", "sbin", "lib", "lib64"} {
		if err := os.Symlink("usr/"+name, filepath.Join(root, name)); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	for _, name := range []string{"ifup", "ifdown"} {
		if err := bindMount(ifupdown+"/sbin/"+name, filepath.Join(root, "usr/local/sbin", name)); err != nil {
			return err
		}
	}
	return executors(ifupdown+"/usr/libexec/ifupdown-ng", filepath.Join(root, "usr/libexec/ifupdown-ng"))
}

// executors copies the scripts that ifup runs. ifup gives them no environment, so that in a guest
// they set what every program needs there.
func executors(from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	scripts, err := os.ReadDir(from)
	for _, script := range scripts {
		text, failed := os.ReadFile(filepath.Join(from, script.Name()))
		if value, ok := os.LookupEnv("GLIBC_TUNABLES"); ok {
			text = bytes.Replace(text, []byte("\n"), []byte("\nexport GLIBC_TUNABLES="+value+"\n"), 1)
		}
		err = errors.Join(err, failed, os.WriteFile(filepath.Join(to, script.Name()), text, 0o755))
	}
	return err
}

// ifupdown is where test machines have ifupdown-ng, whose package conflicts with ifupdown.
const ifupdown = "/opt/ifupdown-ng"

// readOnly mounts a directory read-only over another one.
func readOnly(from, over string) error {
	return errors.Join(
		unix.Mount(from, over, "", unix.MS_BIND, ""),
		unix.Mount("", over, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""))
}

// devices makes the device nodes of every container, and /dev/net/tun if requested.
func (s spec) devices(dev string) error {
	unix.Umask(0)
	nodes := map[string]uint64{"null": unix.Mkdev(1, 3), "zero": unix.Mkdev(1, 5), "random": unix.Mkdev(1, 8), "urandom": unix.Mkdev(1, 9)}
	if s.TUN {
		nodes["net/tun"] = unix.Mkdev(10, 200)
	}
	for name, number := range nodes {
		node := filepath.Join(dev, name)
		if err := os.MkdirAll(filepath.Dir(node), 0o755); err != nil {
			return err
		}
		if err := unix.Mknod(node, unix.S_IFCHR|0o666, int(number)); err != nil {
			return fmt.Errorf("%s: %w", node, err)
		}
	}
	return nil
}

// dropCapabilities limits the thread to these capabilities, which no file can extend
// (no_new_privs).
func dropCapabilities(caps []int) error {
	var mask uint64
	for _, c := range caps {
		mask |= 1 << c
	}
	for c := range 64 {
		if mask&(1<<c) == 0 {
			if err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0); err != nil && err != unix.EINVAL {
				return fmt.Errorf("drop capability %d: %w", c, err)
			}
		}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	low, high := uint32(mask), uint32(mask>>32)
	data := [2]unix.CapUserData{{Effective: low, Permitted: low}, {Effective: high, Permitted: high}}
	if err := unix.Capset(&header, &data[0]); err != nil {
		return fmt.Errorf("capset: %w", err)
	}
	return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
}
