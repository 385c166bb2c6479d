package serverconfig

import (
	"net/netip"
	"strings"

	"upppoe/internal/config/secrets"
	"upppoe/internal/mgmt/web"
)

var webSection = single[web.Config]{
	name: "web", help: "A page for a browser that shows interfaces, sessions, set-ups and failures over time, pools and events. Without cert-file it is plain HTTP: from another machine reach it through SSH or a proxy with TLS.",
	of: func(c *Config) *web.Config { return &c.Web },
	keys: []key[web.Config]{
		{"listen", "--web", "Address and port of the page. Everyone who reaches a loopback address, which is every user of this machine, can read the names and addresses of subscribers, unless there is a token; an address other than a loopback one needs token-file. Default: none, there is no page.",
			fixed(at(str("ADDRESS", `an address and a port like "127.0.0.1:8080"`, webAddress), func(c *web.Config) *string { return &c.Listen }))},
		{"control", "--web-control", "Let the page end sessions. Otherwise it is read-only.",
			fixed(at(boolean, func(c *web.Config) *bool { return &c.Control }))},
		{"token-file", "--web-token-file", "File whose first line is the token that readers must give, of 16 characters or more; others than its owner must not have access to it. A reload reads it again. Default: none.",
			fixed(at(path("/etc/upppoe/web-token"), func(c *web.Config) *string { return &c.TokenFile }))},
		{"cert-file", "--web-cert", "File with the certificate of the page, followed by those of its issuers, in PEM: the page is served by HTTPS, with key-file. A reload reads it again. Default: none, plain HTTP, for a loopback address or behind a proxy with TLS.",
			fixed(at(path("/etc/upppoe/web-cert.pem"), func(c *web.Config) *string { return &c.CertFile }))},
		{"key-file", "--web-key", "File with the key of that certificate, in PEM; others than its owner must not have access to it. A reload reads it again.",
			fixed(at(path("/etc/upppoe/web-key.pem"), func(c *web.Config) *string { return &c.KeyFile }))},
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

// checkWeb rejects a page that anybody in the network could read, and a certificate without its key.
func (c *Config) checkWeb(r *report) {
	if c.Web.NeedsToken() && c.Web.TokenFile == "" {
		r.fail("web.listen", c.Web.Listen+" can be reached from other machines, and there is no token-file", "a loopback address, or a token-file in [web]")
	}
	if c.Web.Listen != "" && (c.Web.CertFile == "") != (c.Web.KeyFile == "") {
		r.fail("web", "cert-file and key-file belong together, and only one of them is given", "both, or neither")
	}
}

// checkWebFiles reports files that are not those of a token or a certificate.
func (c *Config) checkWebFiles(r *report) {
	if c.Web.Listen == "" {
		return
	}
	if file := c.Web.TokenFile; file != "" {
		if _, err := secrets.TokenFromFile(file); err != nil {
			r.fail("web.token-file", err.Error(), "a file with a token as its first line, which only its owner can read: (umask 77; head -c 24 /dev/urandom | base64 > "+file+")")
		}
	}
	if c.Web.CertFile != "" && c.Web.KeyFile != "" {
		if _, err := secrets.KeyPairFromFiles(c.Web.CertFile, c.Web.KeyFile); err != nil {
			r.fail("web.cert-file", err.Error(), "a certificate and its key, in PEM, of which only the owner can read the key")
		}
	}
	if c.Web.NeedsToken() && !c.Web.UsesTLS() {
		r.warn("web.listen", "the page is plain HTTP: an attacker on the path can read its token: set cert-file and key-file")
	}
}
