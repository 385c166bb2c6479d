package netconfig

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"github.com/vishvananda/netlink"
)

// maxResolvConf bounds the file that is read, in octets.
const maxResolvConf = 1 << 20

// lendFile has a resolv.conf(5) name the peer's servers in place of its own, before those of
// other lines. Undoing it takes them out again, unless somebody else has written the file
// anew.
//
// The file is written in place: so it keeps its owner, mode and label; a symbolic link
// stays one; and a container's, which is a mount of its own, could not be replaced.
func (h *Configurer) lendFile(path, device string, names []netip.Addr) (undo func() error, err error) {
	now, there, err := readTarget(path)
	if err != nil {
		return nil, err
	}
	before, loans, made := former(now)
	others := slices.DeleteFunc(loans, func(l loan) bool {
		crashed := l.device == device || !deviceThere(l.device)
		if crashed {
			h.Log.Info(fmt.Sprintf("%s was still lent to %s, which has crashed", path, l.device))
		}
		return crashed
	})
	text := lent(before, made || !there, append([]loan{newLoan(device, names)}, others...))
	if err := overwrite(path, text, now); err != nil {
		return nil, err
	}
	return func() error { return h.returnFile(path, device) }, nil
}

// deviceThere reports whether there may still be a line of a device: in another network
// namespace than ours there may be, too, but nobody can tell.
func deviceThere(name string) bool {
	_, err := netlink.LinkByName(name)
	return !gone(err)
}

func (h *Configurer) returnFile(path, device string) error {
	now, there, err := readTarget(path)
	if err != nil || !there {
		return err
	}
	before, loans, made := former(now)
	mine := slices.IndexFunc(loans, to(device))
	switch {
	case mine < 0:
		h.Log.Info(fmt.Sprintf("%s is not restored: somebody has written it anew meanwhile", path))
		return nil
	case len(loans) > 1:
		return overwrite(path, lent(before, made, slices.Delete(loans, mine, mine+1)), now)
	case made && before == "":
		return removeTarget(path)
	}
	return overwrite(path, before, now)
}

// readTarget reads a file that may be missing.
func readTarget(path string) (text string, there bool, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", false, nil
	case err != nil:
		return "", false, err
	case !info.Mode().IsRegular():
		return "", false, fmt.Errorf("%s is no regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", false, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxResolvConf+1))
	if err == nil && len(b) > maxResolvConf {
		err = fmt.Errorf("%s is too long to be resolv.conf(5)", path)
	}
	return string(b), true, err
}

// overwrite writes a file in place, and only then cuts off what is left of the former
// text: at no time is it empty. On a full disk the former text comes back.
func overwrite(path, text, former string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	if err = fill(f, text); err != nil {
		err = errors.Join(err, fill(f, former))
	}
	return errors.Join(err, f.Close())
}

func fill(f *os.File, text string) error {
	if _, err := f.WriteAt([]byte(text), 0); err != nil {
		return err
	}
	return f.Truncate(int64(len(text)))
}

// removeTarget removes a file, and not the symbolic link that leads to it.
func removeTarget(path string) error {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	return os.Remove(target)
}
