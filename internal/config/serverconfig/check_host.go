package serverconfig

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"slices"
	"strings"

	"upppoe/internal/config/pppd"
	"upppoe/internal/config/secrets"
	"upppoe/internal/host/ifname"
	"upppoe/internal/host/vrf"
	"upppoe/internal/state/sessionlog"
)

// ReadAndCheck is Read with checks of other files and of the host: accounts, scripts and interfaces.
func ReadAndCheck(file string) (*Config, Problems) {
	c, r := read(file)
	if r.problems.Err() == nil {
		c.checkHost(r)
	}
	r.sort()
	return c, r.problems
}

// ReadForServer is Read with a check of the files of RADIUS secrets, without which a server cannot use
// what it has read.
func ReadForServer(file string) (*Config, Problems) {
	c, r := read(file)
	if r.problems.Err() == nil {
		c.checkSecretFiles(r)
	}
	r.sort()
	return c, r.problems
}

func (c *Config) checkHost(r *report) {
	for i, one := range c.Interfaces {
		if _, ok := ifname.KernelName(one.Name); !ok {
			r.warn(itemPath("interface", i)+".name", fmt.Sprintf("this host has no interface %q now", one.Name))
		}
	}
	for key, name := range c.vrfs() {
		if _, err := vrf.Table(name); err != nil {
			r.warn(key, err.Error())
		}
	}
	for _, s := range scriptNames {
		if path := c.Options.Scripts[s.name]; path != "" {
			checkExecutable(r, "scripts."+s.name, path)
		}
	}
	c.checkSecretFiles(r)
	c.checkWebFiles(r)
	c.checkState(r)
	checkGroup(r, "control.group", c.Control.Group)
	var checked []string
	for _, f := range []struct {
		key, path string
		needed    bool
	}{
		{"authentication.chap-secrets", c.CHAPSecrets(), c.needs("eap", "mschap-v2", "chap")},
		{"authentication.pap-secrets", c.PAPSecrets(), c.needs("pap")},
	} {
		if f.needed && len(c.RADIUS.Servers) == 0 && !slices.Contains(checked, f.path) {
			c.checkSecrets(r, f.key, f.path)
			checked = append(checked, f.path)
		}
	}
}

func (c *Config) checkSecretFiles(r *report) {
	for i, s := range c.RADIUS.Servers {
		checkSecretFile(r, itemPath("radius-server", i)+".secret-file", s.SecretFile)
	}
	for i, one := range c.RADIUS.CoAClients {
		checkSecretFile(r, itemPath("coa-client", i)+".secret-file", one.SecretFile)
	}
}

// checkState reports a path that is not one of a store of sessions.
func (c *Config) checkState(r *report) {
	path := orElse(c.State.File, DefaultState)
	if path == NoState {
		return
	}
	if err := sessionlog.Check(path); err != nil {
		r.fail("state.file", err.Error(), "another path, or none: state.file = \"none\"")
	}
}

func checkExecutable(r *report, key, path string) {
	switch info, err := os.Stat(path); {
	case err != nil:
		r.warn(key, err.Error())
	case info.Mode()&0o111 == 0:
		r.warn(key, path+" is not executable: chmod +x "+path)
	}
}

// checkSecretFile reports a file whose first line is not a secret; "": there is none.
func checkSecretFile(r *report, key, path string) {
	if path == "" {
		return
	}
	_, warning, err := secrets.PasswordFromFile(path)
	if warning != "" {
		r.warn(key, strings.TrimPrefix(warning, "Warning - "))
	}
	if err != nil {
		r.fail(key, err.Error(), "a file with the secret as its first line")
	}
}

// checkGroup reports a group that does not exist; "": there is none.
func checkGroup(r *report, key, name string) {
	if name == "" {
		return
	}
	if _, err := user.LookupGroup(name); err != nil {
		r.fail(key, fmt.Sprintf("there is no group %q", name), "a group that exists, or create it: groupadd --system "+name)
	}
}

// needs reports whether clients may use one of some methods.
func (c *Config) needs(methods ...string) bool {
	for _, m := range requiredMethods(c) {
		for _, of := range methods {
			if m == of {
				return true
			}
		}
	}
	return false
}

// CHAPSecrets returns the path of the accounts for CHAP and EAP.
func (c *Config) CHAPSecrets() string { return orElse(c.Options.CHAPSecrets, "/etc/ppp/chap-secrets") }

// PAPSecrets returns the path of the accounts for PAP.
func (c *Config) PAPSecrets() string { return orElse(c.Options.PAPSecrets, "/etc/ppp/pap-secrets") }

func orElse(s, usual string) string {
	if s == "" {
		return usual
	}
	return s
}

// checkSecrets reports every entry of a file of accounts that rejects logins. A file that the
// configuration names must exist.
func (c *Config) checkSecrets(r *report, key, path string) {
	f, notices, err := secrets.Load(path)
	_, named := r.lines[key]
	switch {
	case errors.Is(err, fs.ErrNotExist) && !named:
		r.warn(key, fmt.Sprintf("there is no file %s: all logins by the methods that need it are rejected", path))
		return
	case errors.Is(err, fs.ErrNotExist):
		r.fail(key, "there is no file "+path, "the path of a file of accounts, with lines like: \"alice\" * \"her password\" *")
		return
	case err != nil:
		r.fail(key, err.Error(), "a readable file of accounts")
		return
	}
	for _, n := range notices {
		r.problems = append(r.problems, Problem{File: n.File, Line: n.Line, Found: n.Text, Warning: n.Harmless})
	}
	for client, e := range f.Entries {
		c.checkAccount(r, client, e)
	}
}

// checkAccount reports what rejects the logins of an account. It quotes no word, which may be part
// of a secret without quotes.
func (c *Config) checkAccount(r *report, at pppd.Word, e secrets.Entry) {
	if c.IPv4.First.IsValid() && !c.Options.NoIP && e.Addresses.ForUnit(0).AllowsNone() && !e.Addresses.ForbidsAll() {
		r.problems = append(r.problems, Problem{File: at.File, Line: at.Line, Found: "its address column allows no address", Expected: "* or the client's address"})
	}
	if len(e.Options) == 0 {
		return
	}
	problem := Problem{File: at.File, Line: at.Line}
	policy, others, err := c.Options.AccountPolicy("", e.Options)
	switch {
	case err != nil:
		problem.Found, problem.Expected = "unknown option or invalid value after --", pppd.AccountOptions()
	case others:
		problem.Found, problem.Expected, problem.Warning = "some options after -- have no effect", pppd.AccountOptions(), true
	case policy.VRF != c.Options.Policy.VRF && c.Device.Shared:
		problem.Found, problem.Expected = fmt.Sprintf("a session of a shared device cannot be in VRF %q", policy.VRF), perSession
	default:
		return
	}
	r.problems = append(r.problems, problem)
}
