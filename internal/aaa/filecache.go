package aaa

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"upppoe/internal/config/secrets"
)

// cachedFile is a file as it was read.
type cachedFile struct {
	version     fileVersion
	file        *secrets.File
	checked     time.Time // when it was last found to be this version
	err         error     // why file is nil
	staleReason string    // why file is an older version; empty: it is not
}

func (h *cachedFile) lookup(client, server string) (secrets.Entry, error) {
	if h.err != nil {
		return secrets.Entry{}, h.err
	}
	return h.file.Lookup(client, server)
}

// checkInterval is the least time between two checks of a file: thousands may log in in a second, and
// a login needs both files.
const checkInterval = 10 * time.Millisecond

// load returns a file as it is, or was within checkInterval.
func (a *FileAuthenticator) load(path string) *cachedFile {
	a.mu.Lock()
	defer a.mu.Unlock()
	h, now := a.files[path], time.Now()
	if h == nil || now.Sub(h.checked) >= a.checkInterval {
		h = a.check(path, h)
		h.checked = now
	}
	return h
}

// check reads a file if it has changed. A file that cannot be read rejects all logins; the error is
// logged once. The lock is held.
func (a *FileAuthenticator) check(path string, previous *cachedFile) *cachedFile {
	info, err := os.Stat(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && previous != nil && previous.file != nil {
		a.files[path] = a.keepStale(previous, previous.version, readError(path, err))
		return a.files[path]
	}
	if err != nil {
		h := &cachedFile{err: readError(path, err)}
		if logged := previous != nil && previous.err != nil && previous.err.Error() == h.err.Error(); !logged && !errors.Is(err, fs.ErrNotExist) {
			a.log.Error(h.err.Error())
		}
		a.files[path] = h
		return h
	}
	if version := versionOf(info); previous == nil || previous.version != version {
		a.files[path] = a.read(path, version, previous)
		a.warnOfOverlaps(path)
	}
	return a.files[path]
}

func (a *FileAuthenticator) read(path string, version fileVersion, previous *cachedFile) *cachedFile {
	file, warnings, err := secrets.Load(path)
	for _, w := range warnings {
		a.log.Warn(w.String())
	}
	h := &cachedFile{version: version, file: file}
	if err != nil && previous != nil && previous.file != nil {
		return a.keepStale(previous, version, readError(path, err))
	}
	if err != nil {
		h.err = readError(path, err)
		a.log.Error(h.err.Error())
	}
	return h
}

// keepStale keeps a file as it was read before, as it cannot be read now: a mistake in the file's
// mode does not lock users out.
func (a *FileAuthenticator) keepStale(previous *cachedFile, version fileVersion, why error) *cachedFile {
	if previous.staleReason != why.Error() {
		a.log.Error(fmt.Sprintf("%v: the accounts that were read before stay valid", why))
	}
	return &cachedFile{version: version, file: previous.file, staleReason: why.Error()}
}

// InheritCache takes over what another authenticator has read of the same files. It must be called
// before use.
func (a *FileAuthenticator) InheritCache(from *FileAuthenticator) {
	from.mu.Lock()
	defer from.mu.Unlock()
	for _, path := range []string{a.chap, a.pap} {
		if h := from.files[path]; h != nil && h.file != nil {
			inherited := *h
			inherited.checked = time.Time{}
			a.files[path] = &inherited
		}
	}
}

// fileVersion distinguishes versions of a file: also one of the same length that is written within
// the same tick, or is renamed to it.
type fileVersion struct {
	inode        uint64
	size         int64
	mtime, ctime int64 // nanoseconds
}

func versionOf(info fs.FileInfo) fileVersion {
	v := fileVersion{size: info.Size(), mtime: info.ModTime().UnixNano()}
	if is, ok := info.Sys().(*syscall.Stat_t); ok {
		v.inode, v.ctime = is.Ino, is.Ctim.Nano()
	}
	return v
}

// missingFile is the error of a nonexistent file, by its path. It is an fs.ErrNotExist.
type missingFile string

func (m missingFile) Error() string { return "no file " + string(m) }
func (missingFile) Unwrap() error   { return fs.ErrNotExist }

// readError explains why a file cannot be read. The server has dropped root's capability to read
// files of others.
func readError(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return missingFile(path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: make the server's user the owner of this file and its directories", err)
	}
	return err
}
