package netconfig

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// errNamespace is wrapped by Open's error when Configurer.Namespace cannot be entered.
var errNamespace = errors.New("no network namespace")

// namedNamespaces is the directory of named namespaces (ip-netns(8)).
const namedNamespaces = "/run/netns"

// openNamespace opens a namespace by its path or ip-netns(8) name. The handle keeps it alive.
func openNamespace(name string) (netns.NsHandle, error) {
	path := name
	if !strings.Contains(name, "/") {
		path = filepath.Join(namedNamespaces, name)
	}
	if name == "." || name == ".." {
		return netns.None(), fmt.Errorf("%q: %w: give a name or a path", name, errNamespace)
	}
	handle, err := netns.GetFromPath(path)
	if errors.Is(err, unix.ENOENT) {
		return netns.None(), fmt.Errorf("%s: %w (ip netns add NAME makes one): %w", path, errNamespace, err)
	}
	if err != nil {
		return netns.None(), fmt.Errorf("%s: %w: %w", path, errNamespace, err)
	}
	return handle, nil
}

// inNamespace runs a function in the network namespace of the session's device. For another one
// than the program's it runs on a thread of its own, which ends with the function, as no other
// goroutine may run there. So f must not start goroutines.
func (p *session) inNamespace(f func() error) error {
	if !p.namespace.IsOpen() {
		return f()
	}
	result := make(chan error, 1)
	// Ends with the function; its thread stays locked and ends with it.
	go func() {
		runtime.LockOSThread()
		if err := netns.Set(p.namespace); err != nil {
			result <- fmt.Errorf("%w to enter (requires CAP_SYS_ADMIN): %w", errNamespace, err)
			return
		}
		result <- f()
	}()
	return <-result
}

// InNamespace runs a function in a network namespace, named as Configurer.Namespace is, on a
// thread of its own, which ends with it. Empty: it runs in the current one. Goroutines that f
// starts run in another namespace.
func InNamespace(namespace string, f func() error) error {
	if namespace == "" {
		return f()
	}
	handle, err := openNamespace(namespace)
	if err != nil {
		return err
	}
	defer handle.Close()
	return (&session{namespace: handle}).inNamespace(f)
}
