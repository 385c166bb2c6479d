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

// userNamespaceEnv is the environment variable that is set in the user namespace.
const userNamespaceEnv = "UPPPOE_LAB_USERNS"

// Reasons for which no lab can be made, with what to do.
var (
	ErrUserNamespace = errors.New("user namespaces are not permitted for ordinary users: run as root (sudo), or allow it (sysctl kernel.unprivileged_userns_clone=1, or apparmor_restrict_unprivileged_userns=0)")
	ErrTUN           = errors.New("/dev/net/tun cannot be opened: run as root, load the module (modprobe tun), or open the device to all (chmod 666 /dev/net/tun)")
	ErrNetwork       = errors.New("network namespaces cannot be created: run as root, in a container with --privileged or --cap-add SYS_ADMIN,NET_ADMIN,NET_RAW")
)

// probe is its value in a process that is started only to find out whether user namespaces are
// permitted.
const probe = "probe"

// Enter makes sure that the program may make network namespaces. Root may; any other user becomes
// root of a user namespace, in which the program is run again: then done is true, and code is its
// exit code.
//
// prepare is called first, once, as the original user in the original network: in the namespace
// there is no network to download modules from, for instance.
func Enter(prepare func() error) (code int, done bool, err error) {
	if os.Getenv(userNamespaceEnv) == probe {
		return 0, true, nil
	}
	if err := checkTUN(); err != nil {
		return 1, false, err
	}
	entered := os.Getenv(userNamespaceEnv) != ""
	switch {
	case os.Geteuid() == 0:
		if err := checkNetwork(); err != nil {
			return 1, false, err
		}
	case entered:
		return 1, false, ErrUserNamespace
	default:
		if err := reexec(probe).Run(); err != nil {
			return 1, false, fmt.Errorf("%w (%w)", ErrUserNamespace, err)
		}
	}
	if !entered {
		if err := prepare(); err != nil {
			return 1, false, err
		}
	}
	if os.Geteuid() == 0 {
		return 0, false, nil
	}
	return enter()
}

// reexec returns a command that runs this program as root of a user namespace.
func reexec(value string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), userNamespaceEnv+"="+value)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	return cmd
}

// enter runs the program again, and waits until it has ended.
func enter() (code int, done bool, err error) {
	cmd := reexec("1")
	if err := cmd.Start(); err != nil {
		return 1, false, fmt.Errorf("%w (%w)", ErrUserNamespace, err)
	}
	defer forwardSignals(cmd.Process)()
	if err := cmd.Wait(); err != nil {
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			return exit.ExitCode(), true, nil
		}
		return 1, true, err
	}
	return 0, true, nil
}

// forwardSignals keeps this process alive so that the program in the namespace can clean up.
// Signals of a terminal reach it directly; those sent to this process alone are forwarded.
func forwardSignals(to *os.Process) (stop func()) {
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
