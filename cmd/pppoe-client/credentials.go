package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"upppoe/internal/config/pppd"
	"upppoe/internal/config/secrets"
	"upppoe/ppp"
	"upppoe/ppp/pap"
)

// credentials returns our name, and the given password or else that of the secrets files.
func credentials(s *pppd.Settings, log *slog.Logger) (ppp.Credentials, error) {
	c := ppp.Credentials{Name: s.User}
	if c.Name == "" {
		c.Name = s.Name
	}
	password, given, err := password(s, log)
	if err != nil {
		return c, err
	}
	if given {
		c.Secret = func(string) ([]byte, bool) { return password, true }
		return c, nil
	}
	c.Secret, c.CleartextSecret, err = fromFiles(c.Name, s, log)
	return c, err
}

// usableMethods removes PAP if the only secret must not be sent in the clear: the peer is then asked for
// another method, as by pppd. If there is no secret at all, that is reported when the peer asks.
func usableMethods(methods []ppp.Method, who ppp.Credentials) []ppp.Method {
	if who.CleartextSecret == nil {
		return methods
	}
	_, clear := who.CleartextSecret()
	_, other := who.Secret("")
	if clear || !other || len(methods) < 2 {
		return methods
	}
	return slices.DeleteFunc(methods, func(m ppp.Method) bool { return m == pap.Method })
}

// defaultEnv is the environment variable that is read for the password by default.
const defaultEnv = "PPPOE_PASSWORD"

// password returns the given password, and whether there is one. Of several, the one from the most
// secure source is used.
func password(s *pppd.Settings, log *slog.Logger) ([]byte, bool, error) {
	env := s.PasswordEnv
	if env == "" {
		env = defaultEnv
	}
	value, set := os.LookupEnv(env)
	switch {
	case s.PasswordFD >= 0:
		line, err := secrets.PasswordFromFD(s.PasswordFD)
		if err != nil {
			return nil, false, &pppd.Error{Message: fmt.Sprintf("option \"passwordfd\": %v", err), Err: err}
		}
		return line, true, nil
	case s.PasswordFile != "":
		line, warning, err := secrets.PasswordFromFile(s.PasswordFile)
		if err != nil {
			return nil, false, fmt.Errorf("password-file: %w", err)
		}
		if warning != "" {
			log.Warn(warning)
		}
		return line, true, nil
	case s.PasswordEnv != "" && !set:
		return nil, false, &pppd.Error{Message: fmt.Sprintf("option \"password-env\": environment variable %s is not set", env)}
	case set && (s.PasswordEnv != "" || !s.HasPassword):
		return []byte(value), true, nil
	}
	return []byte(s.Password), s.HasPassword, nil
}

// fromFiles looks up secrets by our name and the peer's, if known. As with pppd, only a secret of
// pap-secrets is sent in the clear: otherwise a peer that asks for PAP would learn a secret for CHAP.
// CHAP may use a secret of pap-secrets.
func fromFiles(name string, s *pppd.Settings, log *slog.Logger) (secret func(peer string) ([]byte, bool), clear func() ([]byte, bool), err error) {
	var byCHAP, byPAP *secrets.File
	remote := s.RemoteName
	if byCHAP, err = loadSecrets(cmp.Or(s.CHAPSecrets, filepath.Join(etc, "chap-secrets")), log); err != nil {
		return nil, nil, err
	}
	if byPAP, err = loadSecrets(cmp.Or(s.PAPSecrets, filepath.Join(etc, "pap-secrets")), log); err != nil {
		return nil, nil, err
	}
	for _, f := range []*secrets.File{byCHAP, byPAP} {
		if _, err := f.Lookup(name, remote); errors.Is(err, secrets.ErrMalformed) {
			return nil, nil, &pppd.Error{Message: err.Error(), Err: err}
		}
	}
	find := func(peer string, in ...*secrets.File) ([]byte, bool) {
		if remote != "" {
			peer = remote
		}
		for _, f := range in {
			e, err := f.Lookup(name, peer)
			if err == nil {
				return e.Secret, true
			}
			if !errors.Is(err, secrets.ErrUnknown) {
				log.Error(err.Error())
				return nil, false // never send another file's password instead
			}
		}
		return nil, false
	}
	secret = func(peer string) ([]byte, bool) { return find(peer, byCHAP, byPAP) }
	clear = func() ([]byte, bool) { return find("", byPAP) }
	return secret, clear, nil
}

// loadSecrets reads a secrets file; one that does not exist counts as empty.
func loadSecrets(path string, log *slog.Logger) (*secrets.File, error) {
	f, warnings, err := secrets.Load(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &secrets.File{}, nil
	case err != nil:
		return nil, err
	}
	for _, w := range warnings {
		log.Warn(w.String())
	}
	return f, nil
}
