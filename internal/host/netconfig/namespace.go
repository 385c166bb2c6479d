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

// errNamespace is wrapped by Open's error when Host.Namespace cannot be entered.
var errNamespace = errors.New("no network namespace")

// namedNamespaces is where ip(8) keeps those with names.
const namedNamespaces = "/run/netns"

// openNamespace opens a namespace by its path, or by the name that ip(8) gave it. The
// handle keeps it alive.
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

// inNamespace runs a function where the line's device is. For another namespace than the
// program's own that is a thread of its own, which ends with the function: nobody else
// may find it there. So the function must not leave goroutines behind.
func (p *session) inNamespace(f func() error) error {
	if !p.namespace.IsOpen() {
		return f()
	}
	result := make(chan error, 1)
	// Ends with the function, and its thread, which stays locked, with it.
	go func() {
		runtime.LockOSThread()
		if err := netns.Set(p.namespace); err != nil {
			result <- fmt.Errorf("%w to enter (it takes CAP_SYS_ADMIN): %w", errNamespace, err)
			return
		}
		result <- f()
	}()
	return <-result
}

// InNamespace runs a function in a network namespace, given as Host.Namespace is: on a thread
// of its own, which ends with it. Empty: where we are. Goroutines that the function
// starts are elsewhere.
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
