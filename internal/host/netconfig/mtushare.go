package netconfig

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Programs that have raised a device's MTU share a file: each holds a lock on it, and it records
// the original MTU. The last one to unlock it restores that MTU; after a crash the next one does,
// for a lock ends with its program.

// mtuShares is the directory of these files while its lock is held: no other program joins or
// leaves meanwhile. Nil: there are no files, and each program acts alone.
type mtuShares struct {
	dir       string
	namespace uint64 // an interface index is unique only within it
	lock      *os.File
}

// openMTUShares waits for the directory's lock.
func openMTUShares(dir string) *mtuShares {
	var namespace unix.Stat_t
	if unix.Stat("/proc/thread-self/ns/net", &namespace) != nil || os.MkdirAll(dir, 0o755) != nil {
		return nil
	}
	f, err := os.OpenFile(filepath.Join(dir, "mtu.lock"), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil
	}
	if flock(f, unix.LOCK_EX) != nil {
		f.Close()
		return nil
	}
	return &mtuShares{dir, namespace.Ino, f}
}

func (c *mtuShares) close() {
	if c != nil {
		c.lock.Close()
	}
}

func flock(f *os.File, how int) error {
	for {
		if err := unix.Flock(int(f.Fd()), how); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// mtuShare is a program's share in a device's raised MTU.
type mtuShare struct {
	index       int
	was, raised int      // the device's original and raised MTU
	file        *os.File // nil: this program acts alone
}

func (c *mtuShares) path(index int) string {
	return filepath.Join(c.dir, fmt.Sprintf("mtu.%d.%d", c.namespace, index))
}

// join shares in the raised MTU of a device, which is passed as it was before it was raised; nil:
// it was not raised, and no other program has raised it.
func (c *mtuShares) join(link netlink.Link, need int) *mtuShare {
	share := &mtuShare{index: link.Attrs().Index, was: link.Attrs().MTU, raised: max(link.Attrs().MTU, need)}
	if c.open(share) != nil && share.was == share.raised {
		return nil
	}
	return share
}

// open opens and updates the share's file, which exists or is created if the MTU was raised.
func (c *mtuShares) open(share *mtuShare) error {
	if c == nil {
		return fs.ErrNotExist
	}
	how := os.O_RDWR | unix.O_NOFOLLOW
	if share.was != share.raised {
		how |= os.O_CREATE
	}
	f, err := os.OpenFile(c.path(share.index), how, 0o600)
	if err != nil {
		return err
	}
	if was, raised, err := readShare(f); err == nil && raised == share.was {
		share.was = was // else it has been changed since
	}
	_, err = f.WriteAt(fmt.Appendf(nil, shareFormat, share.was, share.raised), 0)
	if err == nil {
		err = flock(f, unix.LOCK_SH)
	}
	if err != nil {
		f.Close()
		return err
	}
	share.file = f
	return nil
}

// shareFormat has a fixed length, so that nothing of an older record remains.
const shareFormat = "%-10d %-10d\n"

func readShare(f *os.File) (was, raised int, err error) {
	_, err = fmt.Fscan(io.NewSectionReader(f, 0, 64), &was, &raised)
	return was, raised, err
}

// leave gives a share up. Last reports that no other program shares it; was is the device's
// original MTU, and raised the one that all of them have set.
func (c *mtuShares) leave(share *mtuShare) (was, raised int, last bool) {
	if share.file == nil {
		return share.was, share.raised, true
	}
	defer share.file.Close()
	if c == nil || flock(share.file, unix.LOCK_EX|unix.LOCK_NB) != nil {
		return 0, 0, false
	}
	was, raised, err := readShare(share.file)
	if err != nil {
		was, raised = share.was, share.raised
	}
	os.Remove(c.path(share.index))
	return was, raised, true
}
