package tun

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"

	"github.com/songgao/water"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// openMutex is held while water opens a device.
var openMutex sync.Mutex

// open opens a device by water, and corrects what water leaves undone: it opens without O_CLOEXEC,
// so that child processes would keep the interface after our end; and if it fails it leaks its
// descriptor.
//
// A persistent device stays persistent: by default water would make it end with its last
// descriptor.
func open(name string, existing *netlink.Tuntap) (*Plain, error) {
	openMutex.Lock()
	defer openMutex.Unlock()
	syscall.ForkLock.RLock() // no process is started before the flag is set
	defer syscall.ForkLock.RUnlock()
	iface, err := water.New(water.Config{
		DeviceType:             water.TUN,
		PlatformSpecificParams: water.PlatformSpecificParams{Name: name, Persist: existing != nil, MultiQueue: existing != nil && isMultiQueue(existing)},
	})
	if err != nil {
		closeLeaked()
		return nil, err
	}
	d := &Plain{iface: iface, name: iface.Name()}
	if err := d.control(closeOnExec); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func closeOnExec(fd uintptr) error {
	_, err := unix.FcntlInt(fd, unix.F_SETFD, unix.FD_CLOEXEC)
	return err
}

// closeLeaked closes the descriptors that water has leaked; repeated failures would exhaust them.
func closeLeaked() {
	const all = "/proc/self/fd"
	entries, err := os.ReadDir(all)
	if err != nil {
		return
	}
	for _, e := range entries {
		target, _ := os.Readlink(filepath.Join(all, e.Name()))
		if fd, err := strconv.Atoi(e.Name()); err == nil && target == controlFile && isLeaked(fd) {
			unix.Close(fd)
		}
	}
}

// isLeaked reports whether a descriptor of the control file has no device and no FD_CLOEXEC, so
// that no Device uses it.
func isLeaked(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC != 0 {
		return false
	}
	request, err := unix.NewIfreq("none")
	return err == nil && errors.Is(unix.IoctlIfreq(fd, unix.TUNGETIFF, request), unix.EBADFD)
}
