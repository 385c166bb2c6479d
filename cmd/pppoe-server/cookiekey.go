package main

import (
	"crypto/rand"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"upppoe/pppoe/discovery"
)

// readCookieKey returns the key of AC-Cookies that an earlier program has passed on, so that a PADR that answers a PADO
// of that program is accepted, or else a new one. It closes the file; nil: there is none.
func readCookieKey(inherited *os.File) []byte {
	key := make([]byte, discovery.CookieKeyLen)
	if inherited != nil {
		defer inherited.Close()
		if _, err := inherited.ReadAt(key, 0); err == nil {
			return key
		}
	}
	rand.Read(key)
	return key
}

// cookieKeyFile returns a file with the key for a successor; nil: there is no key yet. It is in memory and has no
// path: only who is passed its descriptor can read it.
func (p *program) cookieKeyFile() (*os.File, error) {
	if p.cookieKey == nil {
		return nil, nil
	}
	fd, err := unix.MemfdCreate(fileCookieKey, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("file of the cookie key: %w", err)
	}
	f := os.NewFile(uintptr(fd), fileCookieKey)
	if _, err := f.WriteAt(p.cookieKey, 0); err != nil {
		f.Close()
		return nil, fmt.Errorf("file of the cookie key: %w", err)
	}
	return f, nil
}
