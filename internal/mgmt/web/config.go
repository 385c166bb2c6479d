package web

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// Config configures a Server.
type Config struct {
	// Listen is the TCP address, like 127.0.0.1:8080, [::1]:8080, or :8080, which is the loopback interface
	// of IPv4. Empty: there is no page.
	Listen string
	// Control allows to end sessions.
	Control bool
	// TokenFile is the file with the token that readers must give. It is needed unless Listen is a loopback
	// address. The program reads it.
	TokenFile string
	// CertFile and KeyFile are the certificate of the page, with those of its issuers, and its key, in PEM. Empty: the
	// page is plain HTTP. The program reads them.
	CertFile, KeyFile string
	// Names are names of the DNS by which the page is reached, as by a reverse proxy, besides localhost and
	// addresses.
	Names []string
}

// Addr returns the address to listen on. Its error says what is expected.
func (c Config) Addr() (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(c.Listen)
	if err == nil && host == "" {
		host = "127.0.0.1"
	}
	addr, err := netip.ParseAddrPort(net.JoinHostPort(host, port))
	if err != nil {
		return addr, fmt.Errorf("%q: give an address and a port, like 127.0.0.1:8080", c.Listen)
	}
	return addr, nil
}

// UsesTLS reports whether the page is served by HTTPS.
func (c Config) UsesTLS() bool { return c.CertFile != "" || c.KeyFile != "" }

// Scheme returns the scheme of the page's URL.
func (c Config) Scheme() string {
	if c.UsesTLS() {
		return "https"
	}
	return "http"
}

// NeedsToken reports whether others than users of this machine reach the page, so that a token is needed.
func (c Config) NeedsToken() bool {
	addr, err := c.Addr()
	return err == nil && !addr.Addr().Unmap().IsLoopback()
}

// allowsHost reports whether the Host of a request is an address, localhost or one of Names. Another name
// can be that of a page which has made its name lead to this address, to read what is here (DNS rebinding).
func (c Config) allowsHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return true
	}
	for _, name := range append([]string{"localhost"}, c.Names...) {
		if strings.EqualFold(host, name) {
			return true
		}
	}
	return false
}
