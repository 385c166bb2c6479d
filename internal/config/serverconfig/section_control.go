package serverconfig

import "strings"

var controlSection = single[Control]{
	name: "control", help: "The socket for pppoe-server status and other commands.",
	of: func(c *Config) *Control { return &c.Control },
	keys: []key[Control]{
		{"socket", "--control-socket", "Path of the socket; \"none\": no socket. Default: /run/upppoe/pppoe-server.sock, or if another server has that, one with the process ID in its name.",
			fixed(at(str("PATH", "an absolute path like \"/run/upppoe/bng1.sock\", or \"none\"", socketPath), func(c *Control) *string { return &c.Socket }))},
		{"group", "--control-group", "Group whose members may use the socket too. Default: only root may.",
			fixed(at(str("GROUP", "the name of a group like \"adm\"", printable), func(c *Control) *string { return &c.Group }))},
	},
}

// NoSocket is the value of Control.Socket for none.
const NoSocket = "none"

func socketPath(s string) error {
	if s != NoSocket && !strings.HasPrefix(s, "/") {
		return errInvalid
	}
	return nil
}
