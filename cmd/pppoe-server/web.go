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
}

func (v *webFlags) add(set *pflag.FlagSet) {
	set.StringVar(&v.listen, "web", "", "serve a page for a browser at this `ADDRESS`, like 127.0.0.1:8080: sessions, set-ups over time, pools, events (default: none). Every user of this machine may read it, unless there is a token; an address other than a loopback one needs one")
	set.BoolVar(&v.control, "web-control", false, "let the page end sessions (default: it is read-only)")
	set.StringVar(&v.tokenFile, "web-token-file", "", "`FILE` whose first line is the token that readers of the page must give, of 16 characters or more; only its owner may have access to it")
}

// set sets the keys of [web].
func (v *webFlags) set(c *serverconfig.Config) error {
	file := v.tokenFile
	if file != "" {
		var err error
		if file, err = filepath.Abs(file); err != nil {
			return &pppd.Error{Message: "--web-token-file: " + err.Error()}
		}
	}
	return setAll(c, []setting{{"--web", "web.listen", orNil(v.listen)}, {"--web-control", "web.control", v.control}, {"--web-token-file", "web.token-file", orNil(file)}})
}

// webPage is the page of a running server. Without one its methods do nothing.
type webPage struct {
	file string      // of the token; empty: there is none
	page *web.Server // nil: there is none
}

// openWeb opens the socket of the page. Requests wait until start. inherited is the socket of an earlier
// program; nil: there is none.
func openWeb(c web.Config, inherited *os.File, log *slog.Logger) (*webPage, error) {
	p := &webPage{}
	if c.Listen == "" {
		if inherited != nil {
			inherited.Close()
		}
		return p, nil
	}
	p.file = c.TokenFile
	token, err := p.readToken()
	if err == nil {
		p.page, err = web.Open(c, token, inherited, log)
	}
	if err != nil {
		return nil, fmt.Errorf("page for browsers ([web]): %w", err)
	}
	log.Info(fmt.Sprintf("Serving a page on http://%v/", p.page.Addr()))
	return p, nil
}

func (p *webPage) readToken() (secrets.Secret, error) {
	if p.file == "" {
		return nil, nil
	}
	return secrets.TokenFromFile(p.file)
}

// start lets the page answer.
func (p *webPage) start(program *servercontrol.Program) {
	if p.page != nil {
		p.page.Start(program)
	}
}

// prepare reads the token again, and returns what makes it the page's.
func (p *webPage) prepare() (use func(), err error) {
	if p == nil || p.page == nil {
		return func() {}, nil
	}
	token, err := p.readToken()
	return func() { p.page.SetToken(token) }, err
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
