// Package aaa authenticates a server's peers, as a pppoe.Authenticator: against the secrets files
// of pppd (chap-secrets, pap-secrets). It does not implement the methods themselves.
package aaa

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"upppoe/internal/config/pppd"
	"upppoe/internal/config/secrets"
	"upppoe/ppp"
	"upppoe/ppp/pap"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// FileAuthenticator authenticates against chap-secrets and pap-secrets, which it reads again when
// they change. Its methods may be called concurrently, except where they say otherwise.
type FileAuthenticator struct {
	name string
	pool bool // the server has pools of addresses
	log  *slog.Logger

	chap, pap string // paths
	// Defaults is the policy of sessions whose accounts do not set another one after --. nil:
	// options of accounts are ignored. It must be set before use.
	Defaults *pppd.Settings
	// EnforceAddresses restricts a peer that names its own address to what the address column of
	// its account allows. It must be set before use.
	EnforceAddresses bool

	checkInterval time.Duration // see the constant; tests check at each login

	mu    sync.Mutex
	files map[string]*cachedFile // by path
}

var _ pppoe.Authenticator = (*FileAuthenticator)(nil)

// NewFileAuthenticator returns an authenticator with the files in a directory, for a server of the
// given name: the second column of the files. pool is whether it has pools of IPv4 addresses.
func NewFileAuthenticator(dir, name string, pool bool, log *slog.Logger) *FileAuthenticator {
	return &FileAuthenticator{
		name: name, pool: pool, log: log, files: make(map[string]*cachedFile), checkInterval: checkInterval,
		chap: filepath.Join(dir, "chap-secrets"), pap: filepath.Join(dir, "pap-secrets"),
	}
}

// SetFiles sets the paths of the files; empty: unchanged. It must be called before use.
func (a *FileAuthenticator) SetFiles(chap, pap string) {
	if chap != "" {
		a.chap = chap
	}
	if pap != "" {
		a.pap = pap
	}
}

// fileOf returns the file with the accounts of a method: pap-secrets for PAP, chap-secrets for all
// others.
func (a *FileAuthenticator) fileOf(p ppp.AuthResponse) string {
	if _, ok := p.(pap.Credential); ok {
		return a.pap
	}
	return a.chap
}

// Authenticate verifies a peer's response against the files. An unknown name costs the same work,
// and the peer gets the same answer whatever is wrong: the reason is only logged.
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

// grant returns the result for an authenticated user.
func (a *FileAuthenticator) grant(l pppoe.SessionInfo, user string, entry secrets.Entry) (d pppoe.AuthResult, err error) {
	if d.Policy, err = a.policy(l.Service, user, entry.Options); err != nil {
		return d, err
	}
	allowed := entry.Addresses.ForUnit(unitNumber(l))
	if d.Alternates = allowed.Singles(); len(d.Alternates) > 0 {
		d.Address = d.Alternates[0]
	} else if allowed.AllowsNone() && a.pool {
		return d, errNoAddress
	}
	if a.EnforceAddresses {
		d.AllowAddress = allowed.Allows
	}
	d.Secret, d.CleartextSecret = a.ownSecret(a.chap, user), a.ownSecret(a.pap, user)
	return d, nil
}

// ownSecret returns the secret by which we authenticate ourselves to a user, as in pppd: our name
// is the client then, and the user's the server. It must not be a secret of other clients too.
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

// OwnMethods returns those of some methods by which we can authenticate ourselves: the files have
// secrets of ours for them.
func (a *FileAuthenticator) OwnMethods(methods []ppp.Method) (own []ppp.Method) {
	for _, m := range methods {
		path := a.chap
		if m == pap.Method {
			path = a.pap
		}
		if f := a.load(path); f.err == nil && f.file.HasClient(a.name) {
			own = append(own, m)
		}
	}
	return own
}

var errNoAddress = errors.New("its address column allows no address: set it to * or to the client's address")

// errOptions quotes no word, which may be part of a secret without quotes.
var errOptions = errors.New("unknown option or invalid value after --: give " + pppd.AccountOptions())

// HasAccount reports whether a user still has an account, as far as the files that can be read tell: not
// whether its password is the same.
func (a *FileAuthenticator) HasAccount(user string) bool {
	read := false
	for _, path := range []string{a.chap, a.pap} {
		f := a.load(path)
		if f.err != nil {
			continue
		}
		read = true
		if _, err := f.file.Lookup(user, a.name); !errors.Is(err, secrets.ErrUnknown) {
			return true
		}
	}
	return !read
}

// policy returns a session's policy: that of its service, changed by its account's options; nil: the
// server's, which sessions share, as the account has no options.
func (a *FileAuthenticator) policy(service, user string, options []pppd.Word) (*pppoe.SessionPolicy, error) {
	if a.Defaults == nil || len(options) == 0 {
		return nil, nil
	}
	terms, others, err := a.Defaults.AccountPolicy(service, options)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", options[0].Where(), errOptions)
	}
	if others {
		a.log.Warn(fmt.Sprintf("account %q: some options after -- have no effect: give %s", wire.EscapeName(user), pppd.AccountOptions()))
	}
	return &terms, nil
}

// CheckFiles reads the files of some methods, so that errors in them are logged before anybody
// logs in.
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
			a.log.Warn(fmt.Sprintf("File %s does not exist: all logins by the methods that need it are rejected", path))
		}
	}
}

// unitNumber is the unit of address columns: the device's number, or, as the device is opened only
// after authentication, the session's.
func unitNumber(l pppoe.SessionInfo) int {
	if digits, ok := strings.CutPrefix(l.Device, "ppp"); ok {
		if n, err := strconv.ParseUint(digits, 10, 31); err == nil {
			return int(n)
		}
	}
	return l.Unit
}
