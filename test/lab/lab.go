// Package lab makes networks for tests and the demo: network namespaces of the running kernel,
// connected by veth pairs and bridges. It uses netlink only, not ip(8), and needs root or a user
// namespace.
//
// Namespaces have no names, so that labs cannot collide. They end when they are closed and the last
// program in them has ended.
package lab

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// Namespace is a network namespace. Its methods may be called concurrently.
type Namespace struct {
	handle netns.NsHandle
}

// NewNamespace makes a namespace and sets its loopback interface up.
func NewNamespace() (*Namespace, error) {
	n := &Namespace{handle: netns.None()}
	err := onNewThread(func() (err error) {
		if n.handle, err = netns.New(); err != nil {
			return fmt.Errorf("make a network namespace: %w", err)
		}
		return setUp("lo")
	})
	if err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

// Close closes the namespace. It may be called again.
func (n *Namespace) Close() error {
	if !n.handle.IsOpen() {
		return nil
	}
	return n.handle.Close()
}

// Do runs a function on a thread in the namespace. The function must not start goroutines that need
// it.
func (n *Namespace) Do(f func() error) error {
	return onNewThread(func() error {
		if err := netns.Set(n.handle); err != nil {
			return fmt.Errorf("enter a network namespace: %w", err)
		}
		return f()
	})
}

// onNewThread runs a function on its own thread, which then ends: no other goroutine may run in its
// namespace.
func onNewThread(f func() error) error {
	result := make(chan error, 1)
	// Ends with the function.
	go func() {
		defer close(result) // a test that fails or is skipped does not return
		runtime.LockOSThread()
		result <- f()
	}()
	return <-result
}

// Start starts a program in the namespace, with bind mounts of its own. The thread that starts it
// ends at once, so a Pdeathsig would kill the program.
func (n *Namespace) Start(cmd *exec.Cmd, binds ...BindMount) error {
	return n.Do(func() error {
		if err := bindMounts(binds); err != nil {
			return err
		}
		return cmd.Start()
	})
}

// Run runs a program in the namespace and returns its combined output.
func (n *Namespace) Run(name string, args ...string) (string, error) {
	var out []byte
	err := n.Do(func() (err error) {
		out, err = exec.Command(name, args...).CombinedOutput()
		return err
	})
	return string(out), err
}

// End is one end of a veth pair.
type End struct {
	In   *Namespace
	Name string
	MAC  string // empty: chosen by the kernel
}

// Veth connects two namespaces by a veth pair, and sets it up.
func Veth(a, b End) error {
	return onNewThread(func() error {
		if err := netns.Set(a.In.handle); err != nil {
			return err
		}
		attrs := netlink.NewLinkAttrs()
		attrs.Name = a.Name
		veth := &netlink.Veth{LinkAttrs: attrs, PeerName: b.Name, PeerNamespace: netlink.NsFd(b.In.handle)}
		if err := netlink.LinkAdd(veth); err != nil {
			return fmt.Errorf("make veth pair %s, %s: %w", a.Name, b.Name, err)
		}
		if err := errors.Join(a.setUp(), b.In.Do(b.setUp)); err != nil {
			return err
		}
		return a.awaitCarrier()
	})
}

// awaitCarrier waits for the carrier: the kernel drops frames for a moment after the other end is
// up.
func (e End) awaitCarrier() error {
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		link, err := netlink.LinkByName(e.Name)
		if err != nil {
			return err
		}
		if link.Attrs().OperState == netlink.OperUp {
			return nil
		}
	}
	return fmt.Errorf("%s has no carrier", e.Name)
}

func (e End) setUp() error {
	link, err := netlink.LinkByName(e.Name)
	if err != nil {
		return err
	}
	if e.MAC != "" {
		mac, err := net.ParseMAC(e.MAC)
		if err != nil {
			return err
		}
		if err := netlink.LinkSetHardwareAddr(link, mac); err != nil {
			return fmt.Errorf("%s: set address %s: %w", e.Name, e.MAC, err)
		}
	}
	return netlink.LinkSetUp(link)
}

// Bridge makes a bridge with interfaces of the namespace as its ports, and sets it up.
func (n *Namespace) Bridge(name string, members ...string) error {
	return n.Do(func() error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = name
		bridge := &netlink.Bridge{LinkAttrs: attrs}
		if err := netlink.LinkAdd(bridge); err != nil {
			return fmt.Errorf("make bridge %s: %w", name, err)
		}
		return errors.Join(addPorts(name, members), netlink.LinkSetUp(bridge))
	})
}

// AddBridgePorts adds interfaces of the namespace to its bridge.
func (n *Namespace) AddBridgePorts(bridge string, members ...string) error {
	return n.Do(func() error { return addPorts(bridge, members) })
}

func addPorts(bridge string, members []string) error {
	master, err := netlink.LinkByName(bridge)
	if err != nil {
		return fmt.Errorf("%s: %w", bridge, err)
	}
	for _, m := range members {
		link, err := netlink.LinkByName(m)
		if err != nil {
			return fmt.Errorf("%s: %w", m, err)
		}
		if err := netlink.LinkSetMaster(link, master); err != nil {
			return fmt.Errorf("%s into bridge %s: %w", m, bridge, err)
		}
	}
	return nil
}

// Address adds an address like 203.0.113.254/24 to an interface.
func (n *Namespace) Address(name, address string) error {
	return n.Do(func() error {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		addr, err := netlink.ParseAddr(address)
		if err != nil {
			return err
		}
		return netlink.AddrAdd(link, addr)
	})
}

func setUp(name string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(link)
}

// Build compiles commands of the project, given as packages like ./cmd/pppoe-client, as static
// binaries in a directory. root is the module's root.
func Build(root, dir string, packages ...string) error {
	return runGo(root, append([]string{"build", "-o", dir + "/"}, packages...)...)
}

// BuildTests compiles the test program of a package like Build, as file NAME.test of dir.
func BuildTests(root, dir, pkg string) error {
	return runGo(root, "test", "-c", "-o", dir+"/", pkg)
}

func runGo(root string, args ...string) error {
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", args[0], err, out)
	}
	return nil
}

// MTU returns the MTU of an interface, in octets.
func (n *Namespace) MTU(name string) (mtu int, err error) {
	err = n.Do(func() error {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		mtu = link.Attrs().MTU
		return nil
	})
	return mtu, err
}

// SetMTU sets the MTU of an interface, in octets.
func (n *Namespace) SetMTU(name string, mtu int) error {
	return n.Do(func() error {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := netlink.LinkSetMTU(link, mtu); err != nil {
			return fmt.Errorf("%s: set MTU %d: %w", name, mtu, err)
		}
		return nil
	})
}
