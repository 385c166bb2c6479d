package hostnet

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
)

// maxResolvConf bounds the file that is read and kept, in octets.
const maxResolvConf = 1 << 20

// lendFile has a file name the peer's servers in place of its own; the rest of it stays.
// Undoing it restores the file, unless somebody has changed it meanwhile.
//
// The file is written in place: so it keeps its owner, mode and label; a symbolic link
// stays one; and a container's, which is a mount of its own, could not be replaced.
func (h *Host) lendFile(path string, names []netip.Addr) (undo func() error, err error) {
	former, existed, err := readFormer(path)
	if err != nil {
		return nil, err
	}
	written := lines(names) + withoutServers(former)
	if err := overwrite(path, written, former); err != nil {
		return nil, err
	}
	return func() error {
		now, _, err := readFormer(path)
		switch {
		case err != nil:
			return err
		case now != written:
			h.Log.Info(fmt.Sprintf("%s is not restored: somebody has changed it meanwhile", path))
			return nil
		case existed:
			return overwrite(path, former, "")
		}
		return removeTarget(path)
	}, nil
}

// readFormer reads a file that may be missing.
func readFormer(path string) (text string, existed bool, err error) {
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

// withoutServers are the lines of a resolv.conf(5) that name no server: search, options.
func withoutServers(text string) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) == 0 || words[0] != "nameserver" {
			kept.WriteString(line)
		}
	}
	return kept.String()
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
