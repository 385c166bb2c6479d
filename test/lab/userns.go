package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// inside is the environment variable that tells the program that it is already in
// a user namespace.
const inside = "UPPPOE_LAB_USERNS"

// Reasons for which a lab cannot be laid, with what to do.
var (
	ErrUserNamespace = errors.New("this machine lets no ordinary user make a user namespace: run as root (sudo), or allow it (sysctl kernel.unprivileged_userns_clone=1, or apparmor_restrict_unprivileged_userns=0)")
	ErrTUN           = errors.New("/dev/net/tun cannot be opened: run as root, load the module (modprobe tun), or open the device to all (chmod 666 /dev/net/tun)")
	ErrNetwork       = errors.New("network namespaces cannot be made here: run as root, in a container with --privileged or --cap-add SYS_ADMIN,NET_ADMIN,NET_RAW")
)

// Enter makes sure that the program may lay networks. Root may; anybody else gets
// to be root in a user namespace, in which the program is run once more: then done
// is true, and code is what it should exit with.
func Enter() (code int, done bool, err error) {
	if err := checkTUN(); err != nil {
		return 1, false, err
	}
	if os.Geteuid() == 0 {
		return 0, false, checkNetwork()
	}
	if os.Getenv(inside) != "" {
		return 1, false, ErrUserNamespace
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	if err := cmd.Start(); err != nil {
		return 1, false, fmt.Errorf("%w (%w)", ErrUserNamespace, err)
	}
	defer passOn(cmd.Process)()
	if err := cmd.Wait(); err != nil {
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			return exit.ExitCode(), true, nil
		}
		return 1, true, err
	}
	return 0, true, nil
}

// passOn stays, so that the program inside has time to clean up: what a terminal
// sends it gets itself, and what was meant for us alone it gets from us.
func passOn(to *os.Process) (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM)
	// Ends with stop.
	go func() {
		for s := range signals {
			if s == unix.SIGTERM {
				to.Signal(s)
			}
		}
	}()
	return func() { signal.Stop(signals); close(signals) }
}

func checkTUN() error {
	f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("%w (%w)", ErrTUN, err)
	}
	return f.Close()
}

func checkNetwork() error {
	n, err := NewNamespace()
	if err != nil {
		return fmt.Errorf("%w (%w)", ErrNetwork, err)
	}
	return n.Close()
}
