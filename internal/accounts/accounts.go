// Package accounts is a pppoe.Authority over the secrets files of pppd.
package accounts

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"upppoe/internal/secrets"
	"upppoe/ppp"
	"upppoe/ppp/pap"
	"upppoe/pppoe"
)

// Accounts judges by chap-secrets and pap-secrets, which it reads again when they
// change. Its methods may be called concurrently.
type Accounts struct {
	dir  string
	name string
	pool pppoe.Pool
	log  *slog.Logger

	mu    sync.Mutex
	files map[string]*held
}

// held is a file as it was read.
type held struct {
	modified time.Time
	size     int64
	file     *secrets.File // nil: there is none
}

var _ pppoe.Authority = (*Accounts)(nil)

// New makes an authority for a server of the given name: the second column of
// the files.
func New(dir, name string, pool pppoe.Pool, log *slog.Logger) *Accounts {
	return &Accounts{dir: dir, name: name, pool: pool, log: log, files: make(map[string]*held)}
}

// Judge holds a proof against the files: PAP's against pap-secrets, all others
// against chap-secrets. A name that is not known costs the same work.
func (a *Accounts) Judge(_ context.Context, l pppoe.Line, p ppp.Proof) ppp.Decision {
	name := "chap-secrets"
	if _, ok := p.(pap.Proof); ok {
		name = "pap-secrets"
	}
	entry, known := a.load(filepath.Join(a.dir, name)).lookup(p.User(), a.name)
	message, ok := p.Verify(entry.Secret)
	if !known || !ok {
		return ppp.Decision{}
	}
	address, err := a.address(l, entry.Addresses)
	if err != nil {
		a.log.Error(fmt.Sprintf("account %q: %v", pppoe.Escape(p.User()), err))
		return ppp.Decision{}
	}
	return ppp.Decision{Granted: true, Message: message, Address: address}
}

func (h *held) lookup(client, server string) (secrets.Entry, bool) {
	if h.file == nil {
		return secrets.Entry{}, false
	}
	return h.file.Lookup(client, server)
}

// address is the one that the account names, or else the pool's, which it must
// allow.
func (a *Accounts) address(l pppoe.Line, allowed secrets.Addresses) (netip.Addr, error) {
	if own, ok := allowed.Single(); ok {
		return own, nil
	}
	pool := a.pool.Address(l.SessionID)
	if pool.IsValid() && !allowed.Allows(pool) {
		return netip.Addr{}, fmt.Errorf("its address column does not allow %v: put * there, or the address it is to have", pool)
	}
	return pool, nil
}

// load reads a file, if it has changed. One that cannot be read lets nobody in.
func (a *Accounts) load(path string) *held {
	a.mu.Lock()
	defer a.mu.Unlock()
	info, err := os.Stat(path)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			a.log.Error(err.Error())
		}
		delete(a.files, path)
		return &held{}
	}
	h := a.files[path]
	if h != nil && h.modified.Equal(info.ModTime()) && h.size == info.Size() {
		return h
	}
	h = &held{modified: info.ModTime(), size: info.Size()}
	file, warnings, err := secrets.Load(path)
	for _, w := range warnings {
		a.log.Warn(w)
	}
	if err != nil {
		a.log.Error(err.Error())
	} else {
		h.file = file
	}
	a.files[path] = h
	return h
}
