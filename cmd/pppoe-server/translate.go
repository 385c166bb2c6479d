package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"upppoe/internal/config/pppd"
	"upppoe/internal/config/serverconfig"
	"upppoe/pppoe"
)

// translate returns the configuration that flags and the options of files say.
func (f *flags) translate(s *pppd.Settings) (*serverconfig.Config, error) {
	c := serverconfig.Default()
	c.Options = s
	s.ResolveServices()
	for _, name := range f.interfaces {
		c.Interfaces = append(c.Interfaces, serverconfig.Interface{Name: name, VLANs: f.vlans})
	}
	c.Server.Foreground = f.foreground || s.Detach == pppd.DetachNever
	s.Debug = s.Debug || f.debug
	f.setPaths(c)
	for _, set := range []func(*serverconfig.Config) error{f.setServer, f.setAddresses, f.ipv6.set, f.device.set, f.web.set} {
		if err := set(c); err != nil {
			return nil, err
		}
	}
	c = c.Canonical()
	return c, f.flagError(c.Check().Err())
}

// setPaths sets the paths of files in --etc.
func (f *flags) setPaths(c *serverconfig.Config) {
	for path, name := range map[*string]string{&c.Options.CHAPSecrets: "chap-secrets", &c.Options.PAPSecrets: "pap-secrets"} {
		if *path == "" {
			*path = filepath.Join(f.etc, name)
		}
	}
	c.ScriptDirectory, c.IPv6.DUIDFile = f.etc, filepath.Join(f.etc, "pppoe-server-duid")
}

func (f *flags) setServer(c *serverconfig.Config) error {
	c.Server.PIDFile = f.pidFile
	return setAll(c, []setting{
		{"-C", "server.ac-name", orNil(f.acName)},
		{"-N", "sessions.max", f.max},
		{"-x", "sessions.max-per-client", f.maxPerClient},
		{"--duplicate-session", "sessions.duplicate", f.duplicate},
		{"-o", "sessions.id-offset", f.idOffset},
		{"-r", "sessions.random-ids", f.randomIDs},
		{"--state", "state.file", orNil(f.state)},
		{"--no-adopt", "state.adopt", !f.noAdopt},
		{"--control-socket", "control.socket", orNil(f.control.socket)},
		{"--control-group", "control.group", orNil(f.control.group)},
		{"-m", "ppp.mss", mssValue(f.mss)},
	})
}

// mssValue returns the key's value for -m; nil: the option mss counts.
func mssValue(n int) any {
	switch n {
	case 0:
		return nil
	case -1:
		return "none"
	}
	return n
}

func (f *flags) setAddresses(c *serverconfig.Config) error {
	remote := f.remote
	if remote == "0.0.0.0" { // rp-pppoe: no pool
		remote = ""
	}
	if f.poolFile != "" {
		pool, err := readPoolFile(f.poolFile)
		if err != nil {
			return err
		}
		remote, c.Pools, c.Sessions.Max = "", []pppoe.AddressPool{pool}, int(pool.Size())
	}
	return setAll(c, []setting{{"-L", "ipv4.local-address", f.local}, {"-R", "ipv4.first-address", orNil(remote)}, {"-l", "ipv4.local-address-per-session", f.localEach}})
}

// setting is a flag's value for a key.
type setting struct {
	flag, key string
	value     any // nil: the flag is not given
}

func setAll(c *serverconfig.Config, all []setting) error {
	for _, s := range all {
		if s.value == nil {
			continue
		}
		if err := c.Set(s.key, s.value); err != nil {
			return flagProblem(s.flag, err)
		}
	}
	return nil
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// flagProblem returns the error for the value of a flag.
func flagProblem(flag string, err error) error {
	all := serverconfig.Problems(nil)
	if !errors.As(err, &all) {
		return err
	}
	p := all[slices.IndexFunc(all, func(p serverconfig.Problem) bool { return !p.Warning })]
	text := flag + ": " + p.Found
	if p.Expected != "" {
		text += ": give " + p.Expected
	}
	return &pppd.Error{Message: text}
}

// flagError returns the first error about keys as one about flags.
func (f *flags) flagError(err error) error {
	all := serverconfig.Problems(nil)
	if !errors.As(err, &all) {
		return err
	}
	return flagProblem(f.label(all[0].Key), all)
}

func (v *ipv6Flags) set(c *serverconfig.Config) error {
	base, length, given := strings.Cut(v.prefixes, ",")
	bits := any(nil)
	if v.prefixes != "" {
		n, err := strconv.Atoi(length)
		if err != nil || !given {
			return &pppd.Error{Message: fmt.Sprintf("--ipv6-prefixes %q: give a prefix and the length of its parts, like 2001:db8:100::/40,56", v.prefixes)}
		}
		bits = n
	}
	dns := any(nil)
	if v.servers != nil {
		dns = v.servers
	}
	return setAll(c, []setting{
		{"--ipv6-networks", "ipv6.networks", orNil(v.networks)},
		{"--ipv6-addresses", "ipv6.addresses", orNil(v.addresses)},
		{"--ipv6-prefixes", "ipv6.delegated-prefixes", orNil(base)},
		{"--ipv6-prefixes", "ipv6.delegated-length", bits},
		{"--ipv6-dns", "ipv6.dns", dns},
	})
}

func (v *deviceFlags) set(c *serverconfig.Config) error {
	mode, name, named := strings.Cut(v.device, ":")
	if named && (mode != sharedDevice || name == "") || mode != sharedDevice && mode != perSession {
		return &pppd.Error{Message: fmt.Sprintf("--device %q: give per-session, shared, or shared:NAME", v.device)}
	}
	c.Device.Isolate = v.isolate
	return setAll(c, []setting{{"--device", "device.mode", mode}, {"--device", "device.name", orNil(name)}, {"--ipv6-local", "ipv6.local-address", orNil(v.ipv6)}})
}
