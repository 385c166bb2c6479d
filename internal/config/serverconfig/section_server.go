package serverconfig

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

var serverSection = single[Config]{
	name: "server", help: "The program, and its name.",
	of: func(c *Config) *Config { return c },
	keys: []key[Config]{
		{"ac-name", "-C --ac-name", "AC-Name of the access concentrator. Default: the host name.",
			fixed(at(str("NAME", "a name of printable characters like \"bng1\"", printable), func(c *Config) *string { return &c.Server.ACName }))},
		{"name", "name", "Our name in the second column of chap-secrets and pap-secrets. Default: the AC-Name.",
			at(str("NAME", "a name like \"bng1\"", printable), func(c *Config) *string { return &c.Options.Name })},
		{"foreground", "-F --foreground nodetach updetach up_sdnotify", "Stay in the foreground, with the log on standard error.",
			fixed(at(boolean, func(c *Config) *bool { return &c.Server.Foreground }))},
		{"pid-file", "-X --pid-file", "File for the process ID, while the server runs.",
			fixed(at(path("/run/pppoe-server.pid"), func(c *Config) *string { return &c.Server.PIDFile }))},
		{"state-directory", "state-dir", "Directory for the record, which survives a crash, of the settings that the kernel data path has changed at an interface.",
			fixed(at(path("/var/lib/upppoe"), func(c *Config) *string { return &c.Options.StateDir }))},
	},
}

// printable accepts text without control characters.
func printable(s string) error {
	if s == "" || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return errInvalid
	}
	return nil
}
