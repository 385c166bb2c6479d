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

// Programs that have raised one device's MTU share a claim on it: a file that each of them
// holds a lock on, and that says what the MTU was. Who is the last to give it up restores
// that; so does who comes after a crash, for a lock goes with its program.

// mtuShares are where the files lie, for the time that the directory's lock is held: nobody
// else claims or gives up meanwhile. Nil: there are no files, and each stands for itself.
type mtuShares struct {
	dir       string
	namespace uint64 // an interface's index is its own only there
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

// mtuShare is a program's share in a device's.
type mtuShare struct {
	index       int
	was, raised int      // the device's MTU
	file        *os.File // nil: it is this program's alone
}

func (c *mtuShares) path(index int) string {
	return filepath.Join(c.dir, fmt.Sprintf("mtu.%d.%d", c.namespace, index))
}

// join shares in the claim on a device, which is given as it was before it was raised; nil:
// it was not, and nobody claims it.
func (c *mtuShares) join(link netlink.Link, need int) *mtuShare {
	is := &mtuShare{index: link.Attrs().Index, was: link.Attrs().MTU, raised: max(link.Attrs().MTU, need)}
	if c.open(is) != nil && is.was == is.raised {
		return nil
	}
	return is
}

// open has the claim's file say what it should, if there is one or should be.
func (c *mtuShares) open(is *mtuShare) error {
	if c == nil {
		return fs.ErrNotExist
	}
	how := os.O_RDWR | unix.O_NOFOLLOW
	if is.was != is.raised {
		how |= os.O_CREATE
	}
	f, err := os.OpenFile(c.path(is.index), how, 0o600)
	if err != nil {
		return err
	}
	if was, raised, err := readShare(f); err == nil && raised == is.was {
		is.was = was // else somebody has set another since
	}
	_, err = f.WriteAt(fmt.Appendf(nil, shareFormat, is.was, is.raised), 0)
	if err == nil {
		err = flock(f, unix.LOCK_SH)
	}
	if err != nil {
		f.Close()
		return err
	}
	is.file = f
	return nil
}

// shareFormat has the same length for all, so that a file has no rest of a longer text.
const shareFormat = "%-10d %-10d\n"

func readShare(f *os.File) (was, raised int, err error) {
	_, err = fmt.Fscan(io.NewSectionReader(f, 0, 64), &was, &raised)
	return was, raised, err
}

// leave gives a claim up. Last says that nobody shares in it any more; was is the device's MTU as
// it was, and raised as all of them have left it.
func (c *mtuShares) leave(is *mtuShare) (was, raised int, last bool) {
	if is.file == nil {
		return is.was, is.raised, true
	}
	defer is.file.Close()
	if c == nil || flock(is.file, unix.LOCK_EX|unix.LOCK_NB) != nil {
		return 0, 0, false
	}
	was, raised, err := readShare(is.file)
	if err != nil {
		was, raised = is.was, is.raised
	}
	os.Remove(c.path(is.index))
	return was, raised, true
}
