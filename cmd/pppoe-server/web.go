package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"upppoe/internal/config/pppd"
	"upppoe/internal/config/secrets"
	"upppoe/internal/config/serverconfig"
	"upppoe/internal/mgmt/servercontrol"
	"upppoe/internal/mgmt/web"
	"upppoe/pppoe"
)

// webFlags are the flags of the page.
type webFlags struct {
	listen    string
	control   bool
	tokenFile string
	certFile  string
	keyFile   string
}

func (v *webFlags) add(set *pflag.FlagSet) {
	set.StringVar(&v.listen, "web", "", "serve a page for a browser at this `ADDRESS`, like 127.0.0.1:8080: sessions, set-ups over time, pools, events (default: none). Every user of this machine may read it, unless there is a token; an address other than a loopback one needs one")
	set.BoolVar(&v.control, "web-control", false, "let the page end sessions (default: it is read-only)")
	set.StringVar(&v.tokenFile, "web-token-file", "", "`FILE` whose first line is the token that readers of the page must give, of 16 characters or more; only its owner may have access to it")
	set.StringVar(&v.certFile, "web-cert", "", "`FILE` with the certificate of the page, and those of its issuers, in PEM: it is served by HTTPS, with --web-key (default: plain HTTP)")
	set.StringVar(&v.keyFile, "web-key", "", "`FILE` with the key of that certificate, in PEM; only its owner may have access to it")
}

// set sets the keys of [web].
func (v *webFlags) set(c *serverconfig.Config) error {
	settings := []setting{{"--web", "web.listen", orNil(v.listen)}, {"--web-control", "web.control", v.control}}
	for _, f := range []struct{ flag, key, path string }{
		{"--web-token-file", "web.token-file", v.tokenFile}, {"--web-cert", "web.cert-file", v.certFile}, {"--web-key", "web.key-file", v.keyFile},
	} {
		if f.path == "" {
			continue
		}
		path, err := filepath.Abs(f.path)
		if err != nil {
			return &pppd.Error{Message: f.flag + ": " + err.Error()}
		}
		settings = append(settings, setting{f.flag, f.key, path})
	}
	return setAll(c, settings)
}

// webPage is the page of a running server. Without one its methods do nothing.
type webPage struct {
	config web.Config
	page   *web.Server // nil: there is none
}

// openWeb opens the socket of the page. Requests wait until start. inherited is the socket of an earlier
// program; nil: there is none.
func openWeb(c web.Config, inherited *os.File, log *slog.Logger) (*webPage, error) {
	p := &webPage{config: c}
	if c.Listen == "" {
		if inherited != nil {
			inherited.Close()
		}
		return p, nil
	}
	by, err := p.readSecrets()
	if err == nil {
		p.page, err = web.Open(c, by, inherited, log)
	}
	if err != nil {
		return nil, fmt.Errorf("page for browsers ([web]): %w", err)
	}
	log.Info(fmt.Sprintf("Serving a page on %s://%v/", c.Scheme(), p.page.Addr()))
	if c.NeedsToken() && !c.UsesTLS() {
		log.Warn("The page is plain HTTP: an attacker on the path can read its token and what it shows: set cert-file and key-file in [web], or use a loopback address with SSH or a proxy with TLS")
	}
	return p, nil
}

// readSecrets reads the token and the certificate.
func (p *webPage) readSecrets() (by web.Secrets, err error) {
	if p.config.TokenFile != "" {
		if by.Token, err = secrets.TokenFromFile(p.config.TokenFile); err != nil {
			return by, err
		}
	}
	if p.config.UsesTLS() {
		by.Certificate, err = secrets.KeyPairFromFiles(p.config.CertFile, p.config.KeyFile)
	}
	return by, err
}

// start lets the page answer.
func (p *webPage) start(program *servercontrol.Program) {
	if p.page != nil {
		p.page.Start(program)
	}
}

// prepare reads the secrets again, and returns what makes them the page's.
func (p *webPage) prepare() (use func(), err error) {
	if p == nil || p.page == nil {
		return func() {}, nil
	}
	by, err := p.readSecrets()
	return func() { p.page.SetSecrets(by) }, err
}

// notify passes an event to those who look. It does not block.
func (p *webPage) notify(l pppoe.SessionInfo, e pppoe.Event) {
	if p.page != nil {
		p.page.Notify(l, e)
	}
}

// listener returns another descriptor of the socket; nil: there is none.
func (p *webPage) listener() (*os.File, error) {
	if p.page == nil {
		return nil, nil
	}
	return p.page.Listener()
}

// close ends all requests. A successor of the program has the socket then.
func (p *webPage) close() {
	if p.page != nil {
		p.page.Close()
	}
}
