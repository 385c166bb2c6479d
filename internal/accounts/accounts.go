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
	"strconv"
	"strings"
	"sync"
	"time"

	"upppoe/internal/pppd"
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

	// All has the terms of sessions whose accounts do not say otherwise, after --. nil:
	// what accounts say is not looked at. It is set before use.
	All *pppd.Settings
	// Bound has a peer that names its own address have none but what the address column of
	// its account allows. It is set before use.
	Bound bool

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
func (a *Accounts) Judge(_ context.Context, l pppoe.Line, p ppp.Proof) pppoe.Decision {
	name := "chap-secrets"
	if _, ok := p.(pap.Proof); ok {
		name = "pap-secrets"
	}
	entry, known := a.load(filepath.Join(a.dir, name)).lookup(p.User(), a.name)
	message, ok := p.Verify(entry.Secret)
	if !known || !ok {
		return pppoe.Decision{}
	}
	address, err := a.address(l, entry.Addresses)
	var terms *pppoe.Terms
	if err == nil {
		terms, err = a.terms(p.User(), entry.Options)
	}
	if err != nil {
		a.log.Error(fmt.Sprintf("account %q: %v", pppoe.Escape(p.User()), err))
		return pppoe.Decision{}
	}
	d := pppoe.Decision{Decision: ppp.Decision{Granted: true, Message: message, Address: address}, Terms: terms}
	if a.Bound {
		d.Allowed = entry.Addresses.For(unit(l)).Allows
	}
	return d
}

// errOptions tells no word, which may be a part of a secret without quotes.
var errOptions = errors.New("after -- there is what is no option, or has a value that is no good: an account may have source-check, source-allow, rate-up, rate-down and rate-burst")

// terms are what a session is held to: what holds for all, unless its account's own options
// say otherwise.
func (a *Accounts) terms(user string, options []pppd.Word) (*pppoe.Terms, error) {
	if a.All == nil {
		return nil, nil
	}
	terms, others, err := a.All.Account(options)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", options[0].Where(), errOptions)
	}
	if others {
		a.log.Warn(fmt.Sprintf("account %q: of pppd's options after --, only source-check, source-allow, rate-up, rate-down and rate-burst have an effect", pppoe.Escape(user)))
	}
	return &terms, nil
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
	allowed = allowed.For(unit(l))
	if own, ok := allowed.Single(); ok {
		return own, nil
	}
	pool := a.pool.Address(l.SessionID)
	if pool.IsValid() && !allowed.Allows(pool) {
		return netip.Addr{}, fmt.Errorf("its address column does not allow %v: put * there, or the address it is to have", pool)
	}
	return pool, nil
}

// unit is what the secrets files reckon with: the number of the device, or, as the device
// comes only after the peer has proved who it is, that of the session, from 0 on.
func unit(l pppoe.Line) int {
	if digits, ok := strings.CutPrefix(l.Device, "ppp"); ok {
		if n, err := strconv.ParseUint(digits, 10, 31); err == nil {
			return int(n)
		}
	}
	return int(l.SessionID) - 1
}

// load reads a file, if it has changed. One that cannot be read lets nobody in.
func (a *Accounts) load(path string) *held {
	a.mu.Lock()
	defer a.mu.Unlock()
	info, err := os.Stat(path)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			a.log.Error(unread(err))
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
		a.log.Error(unread(err))
	} else {
		h.file = file
	}
	a.files[path] = h
	return h
}

// unread tells why a file is not read. A server has given up root's right to read what is
// others' alone.
func unread(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return err.Error() + ": let the user whom the server runs as own this file and the directories it lies in"
	}
	return err.Error()
}
