// Package aaa is a pppoe.Authenticator over the secrets files of pppd.
package aaa

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"upppoe/internal/config/pppd"
	"upppoe/internal/config/secrets"
	"upppoe/ppp"
	"upppoe/ppp/pap"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// FileAuthenticator judges by chap-secrets and pap-secrets, which it reads again when they
// change. Its methods may be called concurrently.
type FileAuthenticator struct {
	name string
	pool pppoe.Pool
	log  *slog.Logger

	chap, pap string // the files
	// Defaults has the terms of sessions whose accounts do not say otherwise, after --. nil:
	// what accounts say is not looked at. It is set before use.
	Defaults *pppd.Settings
	// EnforceAddresses has a peer that names its own address have none but what the address column of
	// its account allows. It is set before use.
	EnforceAddresses bool

	mu    sync.Mutex
	files map[string]*cachedFile // by path
}

// cachedFile is a file as it was read.
type cachedFile struct {
	version     fileVersion
	file        *secrets.File
	err         error  // why there is none; nil: there is
	staleReason string // empty, or why it is as it was read before
}

var _ pppoe.Authenticator = (*FileAuthenticator)(nil)

// NewFileAuthenticator makes an authority for a server of the given name: the second column of
// the files.
func NewFileAuthenticator(dir, name string, pool pppoe.Pool, log *slog.Logger) *FileAuthenticator {
	return &FileAuthenticator{
		name: name, pool: pool, log: log, files: make(map[string]*cachedFile),
		chap: filepath.Join(dir, "chap-secrets"), pap: filepath.Join(dir, "pap-secrets"),
	}
}

// SetFiles names the files of secrets, where they are not chap-secrets and pap-secrets in the
// directory that New was given. It is called before use.
func (a *FileAuthenticator) SetFiles(chap, pap string) {
	if chap != "" {
		a.chap = chap
	}
	if pap != "" {
		a.pap = pap
	}
}

// fileOf is where the accounts of a proof's method are: of PAP in pap-secrets, of all others in
// chap-secrets.
func (a *FileAuthenticator) fileOf(p ppp.AuthResponse) string {
	if _, ok := p.(pap.Credential); ok {
		return a.pap
	}
	return a.chap
}

// Authenticate holds a proof against the files. A name that is not known costs the same work, and the
// peer gets the same answer whatever is wrong: which it was is for our log alone.
func (a *FileAuthenticator) Authenticate(_ context.Context, l pppoe.SessionInfo, p ppp.AuthResponse) pppoe.AuthResult {
	entry, err := a.load(a.fileOf(p)).lookup(p.User(), a.name)
	message, ok := p.Verify(entry.Secret)
	switch {
	case err != nil:
		return reject(err.Error())
	case !ok:
		return reject("wrong password")
	}
	d, err := a.grant(l, p.User(), entry)
	if err != nil {
		return reject("not allowed: " + err.Error())
	}
	d.Accepted, d.Message = true, message
	return d
}

func reject(why string) pppoe.AuthResult {
	return pppoe.AuthResult{AuthResult: ppp.AuthResult{Reason: why}}
}

// grant is what an account has once its user has proved who it is.
func (a *FileAuthenticator) grant(l pppoe.SessionInfo, user string, entry secrets.Entry) (d pppoe.AuthResult, err error) {
	if d.Policy, err = a.policy(user, entry.Options); err != nil {
		return d, err
	}
	allowed := entry.Addresses.ForUnit(unitNumber(l))
	if d.Alternates = allowed.Singles(); len(d.Alternates) > 0 {
		d.Address = d.Alternates[0]
	} else if allowed.AllowsNone() && a.pool.First.IsValid() {
		return d, errNoAddress
	}
	if a.EnforceAddresses {
		d.AllowAddress = allowed.Allows
	}
	d.Secret, d.CleartextSecret = a.ownSecret(a.chap, user), a.ownSecret(a.pap, user)
	return d, nil
}

// ownSecret is what a file has for proving ourselves to a user, as pppd has it: our name is the client
// then, and the user's the server. It must not stand for other clients too.
func (a *FileAuthenticator) ownSecret(path, user string) []byte {
	f := a.load(path)
	if f.err != nil || !f.file.HasClient(a.name) {
		return nil
	}
	entry, err := f.file.LookupNamed(a.name, user)
	if err != nil && !errors.Is(err, secrets.ErrUnknown) {
		a.log.Warn(fmt.Sprintf("our secret for %q: %v", wire.Escape(user), err))
	}
	return entry.Secret
}

// OwnMethods are those of some methods by which we can prove ourselves to anybody: the files have
// secrets of ours for them.
func (a *FileAuthenticator) OwnMethods(methods []ppp.Method) (able []ppp.Method) {
	for _, m := range methods {
		path := a.chap
		if m == pap.Method {
			path = a.pap
		}
		if f := a.load(path); f.err == nil && f.file.HasClient(a.name) {
			able = append(able, m)
		}
	}
	return able
}

var errNoAddress = errors.New("its address column allows no address: put * there, or the address that it is to have")

// errOptions tells no word, which may be a part of a secret without quotes.
var errOptions = errors.New("after -- there is what is no option, or has a wrong value: an account may have source-check, source-allow, rate-up, rate-down and rate-burst")

// policy are what a session is held to: what holds for all, unless its account's own options
// say otherwise.
func (a *FileAuthenticator) policy(user string, options []pppd.Word) (*pppoe.SessionPolicy, error) {
	if a.Defaults == nil {
		return nil, nil
	}
	terms, others, err := a.Defaults.AccountPolicy(options)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", options[0].Where(), errOptions)
	}
	if others {
		a.log.Warn(fmt.Sprintf("account %q: of pppd's options after --, only source-check, source-allow, rate-up, rate-down and rate-burst have an effect", wire.EscapeName(user)))
	}
	return &terms, nil
}

// CheckFiles reads the files by which proofs of some methods will be judged, so that what is wrong with
// them is told before anybody logs in.
func (a *FileAuthenticator) CheckFiles(methods []ppp.Method) {
	var files []string
	for _, m := range methods {
		path := a.chap
		if m == pap.Method {
			path = a.pap
		}
		if !slices.Contains(files, path) {
			files = append(files, path)
		}
	}
	for _, path := range files {
		if f := a.load(path); errors.Is(f.err, fs.ErrNotExist) {
			a.log.Warn(fmt.Sprintf("There is no file %s: nobody can log in by the methods that need it", path))
		}
	}
}

func (h *cachedFile) lookup(client, server string) (secrets.Entry, error) {
	if h.err != nil {
		return secrets.Entry{}, h.err
	}
	return h.file.Lookup(client, server)
}

// unitNumber is what the secrets files reckon with: the number of the device, or, as the device
// comes only after the peer has proved who it is, that of the session, from 0 on.
func unitNumber(l pppoe.SessionInfo) int {
	if digits, ok := strings.CutPrefix(l.Device, "ppp"); ok {
		if n, err := strconv.ParseUint(digits, 10, 31); err == nil {
			return int(n)
		}
	}
	return int(l.SessionID) - 1
}

// load reads a file, if it has changed. One that cannot be read lets nobody in; why is logged
// once.
func (a *FileAuthenticator) load(path string) *cachedFile {
	a.mu.Lock()
	defer a.mu.Unlock()
	previous := a.files[path]
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
	}
	return a.files[path]
}

func (a *FileAuthenticator) read(path string, version fileVersion, previous *cachedFile) *cachedFile {
	file, warnings, err := secrets.Load(path)
	for _, w := range warnings {
		a.log.Warn(w)
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

// keepStale goes on with a file as it was read before, since it cannot be read now: nobody who has an
// account is locked out by a slip with the file's mode.
func (a *FileAuthenticator) keepStale(previous *cachedFile, version fileVersion, why error) *cachedFile {
	if previous.staleReason != why.Error() {
		a.log.Error(fmt.Sprintf("%v: the accounts that were read before hold", why))
	}
	return &cachedFile{version: version, file: previous.file, staleReason: why.Error()}
}

// InheritCache has accounts begin with what others have read of the same files. It is called before
// use.
func (a *FileAuthenticator) InheritCache(from *FileAuthenticator) {
	from.mu.Lock()
	defer from.mu.Unlock()
	for _, path := range []string{a.chap, a.pap} {
		if h := from.files[path]; h != nil && h.file != nil {
			a.files[path] = h
		}
	}
}

// fileVersion tells a file that has changed from one that has not: also one of the same length that
// is written within the same tick, or has taken the other's name.
type fileVersion struct {
	inode        uint64
	size         int64
	mtime, ctime int64 // when its text was, and anything of it, in nanoseconds
}

func versionOf(info fs.FileInfo) fileVersion {
	v := fileVersion{size: info.Size(), mtime: info.ModTime().UnixNano()}
	if is, ok := info.Sys().(*syscall.Stat_t); ok {
		v.inode, v.ctime = is.Ino, is.Ctim.Nano()
	}
	return v
}

// missingFile is the path of a file that is not there, as an error. It is an fs.ErrNotExist.
type missingFile string

func (m missingFile) Error() string { return "no file " + string(m) }
func (missingFile) Unwrap() error   { return fs.ErrNotExist }

// readError is why a file is not read. A server has given up root's right to read what is
// others' alone.
func readError(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return missingFile(path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: let the user whom the server runs as own this file and the directories it lies in", err)
	}
	return err
}
