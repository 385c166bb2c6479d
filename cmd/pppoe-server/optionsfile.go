package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"upppoe/internal/config/pppd"
	"upppoe/internal/config/serverconfig"
)

// options reads the system's options file, if it exists, as each pppd that rp-pppoe's server starts does,
// and then the server's. The latter must exist: it says whether clients must authenticate themselves, so
// a server with a mistyped path must not start.
func options(f *flags) (*pppd.Settings, error) {
	s := serverconfig.DefaultOptions()
	r := pppd.Reader{Role: pppd.Server, Settings: s, Dir: f.etc}
	if err := r.Defaults(""); err != nil {
		return nil, err
	}
	open := !s.Auth && len(s.Require) == 0
	err := r.File(f.options)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &pppd.Error{Message: fmt.Sprintf("options file %s does not exist: create it with require-chap (or noauth), or name another with -O", f.options)}
	}
	if err != nil {
		return nil, err
	}
	if err := f.override(&r); err != nil {
		return nil, err
	}
	f.warnAuth(s, open)
	s.SharedDevice = f.device.isShared()
	s.Warnings = append(s.Warnings, s.IneffectiveOptions(pppd.Server)...)
	if s.NoIPv6 && f.ipv6.wanted() {
		s.Warnings = append(s.Warnings, "--ipv6-networks, --ipv6-addresses and --ipv6-prefixes have no effect: option \"noipv6\" disables IPv6")
	}
	return s, nil
}

// warnAuth warns if files made for pppd have another effect on authentication here. open is whether
// /etc/ppp/options has disabled it.
func (f *flags) warnAuth(s *pppd.Settings, open bool) {
	if open && len(s.RequireAuth()) == 0 {
		s.Warnings = append(s.Warnings, fmt.Sprintf("noauth in %s applies here too: clients need not authenticate themselves; put auth in %s to require it", filepath.Join(f.etc, "options"), f.options))
	}
	if s.Auth && len(s.Require) == 0 && !slices.ContainsFunc(s.Parsed, func(g pppd.ParsedOption) bool { return g.Name == "auth" }) {
		// Files made for pppd, which requires no authentication then.
		s.Warnings = append(s.Warnings, fmt.Sprintf("clients must authenticate themselves, as %s has neither auth nor noauth: add noauth to accept any client, or require-chap and accounts in %s",
			f.options, filepath.Join(f.etc, "chap-secrets")))
	}
}
