package tun

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/songgao/water"
	"golang.org/x/sys/unix"
)

// Config is what Open makes.
type Config struct {
	// Name is the interface's name, which must be free, or that of a device which is
	// there to be joined: see IsPersistent. Empty: the first free one of ppp0, ppp1 and so on.
	Name string
	// Queues is over how many queues an Offload spreads packets; 0 and 1: there is one.
	Queues int
}

// Errors of Open, each with what to do about it.
var (
	ErrNoDevice   = errors.New("/dev/net/tun is not there: load the module (modprobe tun), or give the container the device (--device /dev/net/tun)")
	ErrPermission = errors.New("no permission to make a network interface: run as root, or give the program CAP_NET_ADMIN and access to /dev/net/tun, or make one for its user beforehand (`ip tuntap add NAME mode tun user USER`) and name it by ifname")
	ErrNameTaken  = errors.New("an interface of that name is already there: choose another with ifname or unit, or remove it")
	ErrName       = errors.New("not a name that an interface can have: 1 to 15 characters, without '/', '%', ':' and white space")
)

const controlFile = "/dev/net/tun"

// Plain is a Device that reads and writes one packet at a time.
type Plain struct {
	iface *water.Interface
}

var _ Device = (*Plain)(nil)

// Check reports whether devices can be made at all: it returns nil, ErrNoDevice
// or ErrPermission (wrapped).
func Check() error {
	f, err := os.OpenFile(controlFile, os.O_RDWR, 0)
	if err != nil {
		return explain(err)
	}
	return f.Close()
}

// Open makes a network interface. It is down, and has neither addresses nor
// an MTU of ours. It goes when the device is closed, or the program ends. One that
// somebody else has made is joined as it is, and stays.
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
	if err != nil {
		d.Close()
		return nil, fmt.Errorf("%s: %w", d.Name(), explain(err))
	}
	return d, nil
}

// CheckName reports whether Open may use a name now: it returns nil, ErrName or
// ErrNameTaken (wrapped). It refuses what the kernel would take for a pattern, and an
// interface that is there already, unless IsPersistent. Empty is any name.
func CheckName(name string) error {
	if name == "" {
		return nil
	}
	if len(name) >= unix.IFNAMSIZ || name == "." || name == ".." {
		return fmt.Errorf("%q: %w", name, ErrName)
	}
	for _, c := range []byte(name) {
		if c <= ' ' || c >= 0x7f || c == '/' || c == '%' || c == ':' {
			return fmt.Errorf("%q: %w", name, ErrName)
		}
	}
	if _, err := net.InterfaceByName(name); err == nil && !IsPersistent(name) {
		return fmt.Errorf("%s: %w", name, ErrNameTaken)
	}
	return nil
}

// setLinkType makes the interface look like PPP: to `ip link`, and to the kernel,
// which gives such an interface no IPv6 address of its own making beside the one
// that IPv6CP agrees on.
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

// explain adds what to do to what the system says.
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

// Name is the interface's name.
func (d *Plain) Name() string { return d.iface.Name() }

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

// Write passes packets on, one after the other. One that the kernel does not take
// (the interface is down, the packet broken) does not hold up the rest.
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

// SetReadDeadline has a Read that waits return os.ErrDeadlineExceeded (wrapped) at a
// time; zero: never.
func (d *Plain) SetReadDeadline(t time.Time) error {
	file, ok := d.iface.ReadWriteCloser.(interface{ SetReadDeadline(time.Time) error })
	if !ok {
		return errors.New("the device's file knows no deadlines")
	}
	return file.SetReadDeadline(t)
}

// Close removes the interface.
func (d *Plain) Close() error { return d.iface.Close() }
