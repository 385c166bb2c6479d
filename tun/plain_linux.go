package tun

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/songgao/water"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Config is the configuration of Open and OpenGSO. The zero value is usable.
type Config struct {
	// Name is the name of the interface: a free one, or that of a persistent device (see
	// IsPersistent). Empty: the first free one of ppp0, ppp1, ...
	Name string
	// Queues is the number of queues of OpenGSO; 0 and 1: one.
	Queues int
	// New makes OpenGSO refuse a persistent device: an interface of that name must not exist. It does
	// not ask the kernel beforehand.
	New bool
	// Owner, if not empty, makes the interface outlive the program, for a successor with the same Owner:
	// Leave of the device keeps it, as does a kill; Close removes it. An interface of the Name that is
	// left by an earlier program of the owner (see IsOwned) is used with its settings. At most 200
	// octets.
	Owner string
	// Remove, if not nil, is called by Close of OpenGSO's device to remove the interface. Closing the
	// device does that too, but one by one, and waits 25 to 50 ms for each. Not called if the device is
	// persistent.
	Remove func()
}

// Errors of Open and OpenGSO, wrapped, each with what to do about it.
var (
	ErrNoDevice   = errors.New("/dev/net/tun is not there: load the module (modprobe tun), or give the container the device (--device /dev/net/tun)")
	ErrPermission = errors.New("no permission to make a network interface: run as root, or give the program CAP_NET_ADMIN and access to /dev/net/tun, or make one for its user beforehand (`ip tuntap add NAME mode tun user USER`) and use its name")
	ErrNameTaken  = errors.New("an interface of that name is already there: choose another name, or remove it")
	ErrName       = errors.New("not a name that an interface can have: 1 to 15 characters, without '/', '%', ':' and white space")
)

const controlFile = "/dev/net/tun"

// Plain is a Device that reads and writes one packet at a time.
type Plain struct {
	iface *water.Interface
	owned bool // Close removes it, although it is persistent
	name  string
}

var _ Device = (*Plain)(nil)

// Check reports whether TUN devices can be opened: it returns nil, or an error that wraps
// ErrNoDevice or ErrPermission.
func Check() error {
	f, err := os.OpenFile(controlFile, os.O_RDWR, 0)
	if err != nil {
		return explain(err)
	}
	return f.Close()
}

// Open creates a network interface. It is down, has no addresses and the default MTU. It is removed
// when the Device is closed or the process ends. A persistent device is used with its settings, and
// remains.
func Open(cfg Config) (*Plain, error) {
	name := cfg.Name
	if err := CheckName(name); err != nil {
		return nil, err
	}
	if name == "" {
		name = "ppp%d" // the kernel counts, so that two programs do not race
	}
	existing := findPersistent(cfg.Name)
	d, err := open(name, existing)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, explain(err))
	}
	setType := setLinkType
	if existing != nil {
		setType, err = setPersistentLinkType, checkExclusive(name)
	}
	if err == nil {
		err = d.control(setType)
	}
	if err == nil {
		err = d.own(existing, cfg.Owner)
	}
	if err != nil {
		d.Close()
		return nil, fmt.Errorf("%s: %w", d.Name(), explain(err))
	}
	return d, nil
}

// CheckName reports whether Open may use a name now: it returns nil, or an error that wraps ErrName
// or ErrNameTaken. It refuses names that the kernel would expand, and existing interfaces unless
// IsPersistent. The empty name is valid.
func CheckName(name string) error {
	if name == "" {
		return nil
	}
	if err := checkSyntax(name); err != nil {
		return err
	}
	// The kernel looks up one name, which may also be an alternative one; package net would list all
	// interfaces.
	if link, err := netlink.LinkByName(name); err == nil && asPersistent(link, name) == nil {
		return fmt.Errorf("%s: %w", name, ErrNameTaken)
	}
	return nil
}

// checkSyntax reports whether an interface can have a name: it returns nil, or an error that wraps
// ErrName.
func checkSyntax(name string) error {
	if name == "" || len(name) >= unix.IFNAMSIZ || name == "." || name == ".." {
		return fmt.Errorf("%q: %w", name, ErrName)
	}
	for _, c := range []byte(name) {
		if c <= ' ' || c >= 0x7f || c == '/' || c == '%' || c == ':' {
			return fmt.Errorf("%q: %w", name, ErrName)
		}
	}
	return nil
}

// setLinkType makes the interface a PPP interface (ARPHRD_PPP): for `ip link`, and for the kernel,
// which then generates no IPv6 link-local address in addition to that of IPv6CP.
func setLinkType(fd uintptr) error {
	return unix.IoctlSetInt(int(fd), unix.TUNSETLINK, unix.ARPHRD_PPP)
}

func (d *Plain) control(f func(fd uintptr) error) error {
	file, ok := d.iface.ReadWriteCloser.(syscall.Conn)
	if !ok {
		return errors.New("the device's file gives no access to its descriptor")
	}
	conn, err := file.SyscallConn()
	if err != nil {
		return err
	}
	if failed := conn.Control(func(fd uintptr) { err = f(fd) }); failed != nil {
		return failed
	}
	return err
}

// explain adds advice to an error of the system.
func explain(err error) error {
	for _, known := range []struct{ is, means error }{
		{unix.ENOENT, ErrNoDevice}, {unix.ENODEV, ErrNoDevice}, {unix.ENXIO, ErrNoDevice},
		{unix.EPERM, ErrPermission}, {unix.EACCES, ErrPermission},
		{unix.EBUSY, ErrNameTaken}, {unix.EEXIST, ErrNameTaken},
	} {
		if errors.Is(err, known.is) {
			return fmt.Errorf("%w (%w)", known.means, err)
		}
	}
	return err
}

// Name is the name of the network interface.
func (d *Plain) Name() string { return d.name }

// BatchSize is 1.
func (d *Plain) BatchSize() int { return 1 }

// Read waits for one packet.
func (d *Plain) Read(bufs [][]byte, sizes []int, headroom int) (int, error) {
	n, err := d.iface.Read(bufs[0][headroom:])
	if err != nil {
		return 0, err
	}
	sizes[0] = n
	return 1, nil
}

// Write writes packets, one after the other. A packet that the kernel refuses (the interface is
// down, the packet malformed) does not stop the following ones.
func (d *Plain) Write(packets [][]byte, headroom int) (n int, err error) {
	for _, p := range packets {
		if _, failed := d.iface.Write(p[headroom:]); failed != nil {
			err = failed
			continue
		}
		n++
	}
	return n, err
}

// SetReadDeadline makes Read return os.ErrDeadlineExceeded (wrapped) from a time on; zero: never.
func (d *Plain) SetReadDeadline(t time.Time) error {
	file, ok := d.iface.ReadWriteCloser.(interface{ SetReadDeadline(time.Time) error })
	if !ok {
		return errors.New("the device's file knows no deadlines")
	}
	return file.SetReadDeadline(t)
}

// own gives the device to its owner, unless it is another's.
func (d *Plain) own(existing *netlink.Tuntap, owner string) error {
	if existing != nil {
		d.owned = isOwnedBy(existing.Name, owner)
		return nil
	}
	if owner == "" {
		return nil
	}
	d.owned = true
	return d.control(func(fd uintptr) error { return own(fd, d.Name(), owner) })
}

// Close removes the interface, unless it is persistent and has no owner.
func (d *Plain) Close() error {
	if d.owned {
		d.control(func(fd uintptr) error { return setPersist(fd, false) })
	}
	return d.Leave()
}

// Leave closes the device as Close does, and leaves an interface that has an owner to a successor.
func (d *Plain) Leave() error { return d.iface.Close() }
