package pppd

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// isOpenToOthers reports whether a file's permissions give access to its group or to others: a file
// with secrets should not.
func isOpenToOthers(mode fs.FileMode) bool { return mode.Perm()&0o077 != 0 }

// errOtherOwner is the error of ownedByUs.
var errOtherOwner = errors.New("it is another user's")

// ownedByUs returns an error unless a file belongs to the effective user. HOME may be the home of the
// user who called sudo, and options name programs that would run as root.
func ownedByUs(stat os.FileInfo) error {
	if is, ok := stat.Sys().(*syscall.Stat_t); ok && int(is.Uid) != os.Geteuid() {
		return errOtherOwner
	}
	return nil
}
