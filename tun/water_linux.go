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

// openMutex is held by who has water open a device.
var openMutex sync.Mutex

// open has water open the device, and makes good what it leaves undone: it opens
// without O_CLOEXEC, so that programs started later would keep the interface when we
// have ended; and if it fails it forgets its descriptor.
//
// A device that was made by somebody else is joined as it is, and stays persistent: water would
// have it go with its last descriptor.
func open(name string, existing *netlink.Tuntap) (*Plain, error) {
	openMutex.Lock()
	defer openMutex.Unlock()
	syscall.ForkLock.RLock() // no program is started before the descriptor is marked
	defer syscall.ForkLock.RUnlock()
	iface, err := water.New(water.Config{
		DeviceType:             water.TUN,
		PlatformSpecificParams: water.PlatformSpecificParams{Name: name, Persist: existing != nil, MultiQueue: existing != nil && isMultiQueue(existing)},
	})
	if err != nil {
		closeLeaked()
		return nil, err
	}
	d := &Plain{iface: iface}
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

// closeLeaked closes the descriptors that water has forgotten, lest a program that
// tries again and again runs out of them.
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

// isLeaked reports whether a descriptor of the control file has no device, and was not
// marked by closeOnExec: nobody has got it.
func isLeaked(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC != 0 {
		return false
	}
	request, err := unix.NewIfreq("none")
	return err == nil && errors.Is(unix.IoctlIfreq(fd, unix.TUNGETIFF, request), unix.EBADFD)
}
