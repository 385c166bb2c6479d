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

// maxResolvConf limits the file that is read, in octets.
const maxResolvConf = 1 << 20

// installInFile adds the peer's name servers to a resolv.conf(5) in place of its own, before those
// of other sessions. Undoing it removes them, unless the file has been rewritten meanwhile.
//
// The file is written in place: so it keeps its owner, mode and label; a symbolic link stays one;
// and a container's, which is a mount, could not be replaced.
func (h *Configurer) installInFile(path, device string, names []netip.Addr) (undo func() error, err error) {
	now, there, err := readResolvConf(path)
	if err != nil {
		return nil, err
	}
	before, blocks, made := parseResolvConf(now)
	others := slices.DeleteFunc(blocks, func(l nameServerBlock) bool {
		crashed := l.device == device || !deviceMayExist(l.device)
		if crashed {
			h.Log.Info(fmt.Sprintf("%s still has name servers of %s, which has crashed: removing them", path, l.device))
		}
		return crashed
	})
	text := renderResolvConf(before, made || !there, append([]nameServerBlock{newBlock(device, names)}, others...))
	if err := overwriteInPlace(path, text, now); err != nil {
		return nil, err
	}
	return func() error { return h.removeFromFile(path, device) }, nil
}

// deviceMayExist reports whether a session of a device may still be up: one in another network
// namespace cannot be seen.
func deviceMayExist(name string) bool {
	_, err := netlink.LinkByName(name)
	return !isGone(err)
}

func (h *Configurer) removeFromFile(path, device string) error {
	now, there, err := readResolvConf(path)
	if err != nil || !there {
		return err
	}
	before, blocks, made := parseResolvConf(now)
	mine := slices.IndexFunc(blocks, forDevice(device))
	switch {
	case mine < 0:
		h.Log.Info(fmt.Sprintf("%s is not restored: it has been rewritten meanwhile", path))
		return nil
	case len(blocks) > 1:
		return overwriteInPlace(path, renderResolvConf(before, made, slices.Delete(blocks, mine, mine+1)), now)
	case made && before == "":
		return removeLinkTarget(path)
	}
	return overwriteInPlace(path, before, now)
}

// readResolvConf reads a file that may not exist.
func readResolvConf(path string) (text string, there bool, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", false, nil
	case err != nil:
		return "", false, err
	case !info.Mode().IsRegular():
		return "", false, fmt.Errorf("%s is not a regular file", path)
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

// overwriteInPlace writes a file in place, and truncates it only then: at no time is it empty.
// When the disk is full, the former text is restored.
func overwriteInPlace(path, text, former string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	if err = writeAndTruncate(f, text); err != nil {
		err = errors.Join(err, writeAndTruncate(f, former))
	}
	return errors.Join(err, f.Close())
}

func writeAndTruncate(f *os.File, text string) error {
	if _, err := f.WriteAt([]byte(text), 0); err != nil {
		return err
	}
	return f.Truncate(int64(len(text)))
}

// removeLinkTarget removes a file, but not a symbolic link that leads to it.
func removeLinkTarget(path string) error {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	return os.Remove(target)
}
