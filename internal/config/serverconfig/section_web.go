package serverconfig

import (
	"net/netip"
	"strings"

	"upppoe/internal/config/secrets"
	"upppoe/internal/mgmt/web"
)

var webSection = single[web.Config]{
	name: "web", help: "A page for a browser that shows interfaces, sessions, set-ups and failures over time, pools and events. It is plain HTTP: from another machine reach it through SSH or a proxy with TLS.",
	of: func(c *Config) *web.Config { return &c.Web },
	keys: []key[web.Config]{
		{"listen", "--web", "Address and port of the page. Everyone who reaches a loopback address, which is every user of this machine, can read the names and addresses of subscribers, unless there is a token; an address other than a loopback one needs token-file. Default: none, there is no page.",
			fixed(at(str("ADDRESS", `an address and a port like "127.0.0.1:8080"`, webAddress), func(c *web.Config) *string { return &c.Listen }))},
		{"control", "--web-control", "Let the page end sessions. Otherwise it is read-only.",
			fixed(at(boolean, func(c *web.Config) *bool { return &c.Control }))},
		{"token-file", "--web-token-file", "File whose first line is the token that readers must give, of 16 characters or more; others than its owner must not have access to it. A reload reads it again. Default: none.",
			fixed(at(path("/etc/upppoe/web-token"), func(c *web.Config) *string { return &c.TokenFile }))},
		{"names", "", "Names by which browsers reach the page, as through a proxy, besides addresses and localhost. A request for another name is refused: it may be of a foreign page whose name leads to this server (DNS rebinding).",
			fixed(at(list(str("NAME", "a name like \"bng1.example.net\"", hostName), `a list of names like ["bng1.example.net"]`), func(c *web.Config) *[]string { return &c.Names }))},
	},
}

func webAddress(s string) error {
	_, err := web.Config{Listen: s}.Addr()
	return err
}

// hostName accepts a name of the DNS without a port.
func hostName(s string) error {
	if _, err := netip.ParseAddr(s); s == "" || err == nil || strings.ContainsAny(s, ":/[]@ ") {
		return errInvalid
	}
	return printable(s)
}

// checkWeb rejects a page that anybody in the network could read.
func (c *Config) checkWeb(r *report) {
	if c.Web.NeedsToken() && c.Web.TokenFile == "" {
		r.fail("web.listen", c.Web.Listen+" can be reached from other machines, and there is no token-file", "a loopback address, or a token-file in [web]")
	}
}

// checkWebToken reports a file that is not one of a token.
func (c *Config) checkWebToken(r *report) {
	if c.Web.Listen == "" || c.Web.TokenFile == "" {
		return
	}
	if _, err := secrets.TokenFromFile(c.Web.TokenFile); err != nil {
		r.fail("web.token-file", err.Error(), "a file with a token as its first line, which only its owner can read: (umask 77; head -c 24 /dev/urandom | base64 > "+c.Web.TokenFile+")")
	}
}
