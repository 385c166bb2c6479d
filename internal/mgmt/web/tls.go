package web

import (
	"crypto/tls"
	"net"
)

// Secrets are what the program reads from files.
type Secrets struct {
	// Token is what readers must give; empty: nothing.
	Token []byte
	// Certificate is used with Config.CertFile; nil: there is none.
	Certificate *tls.Certificate
}

// SetSecrets replaces the secrets. Logins by another token end; a certificate is used for new connections.
func (s *Server) SetSecrets(by Secrets) {
	s.certificate.Store(by.Certificate)
	if len(by.Token) == 0 {
		s.token.Store(nil)
		return
	}
	s.token.Store(newToken(by.Token))
}

// secured returns a listener whose connections use TLS, if that is configured. HTTP/2 is not offered: the bound
// of connections is one of requests.
func (s *Server) secured(on net.Listener) net.Listener {
	if !s.cfg.UsesTLS() {
		return on
	}
	return tls.NewListener(on, &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.certificate.Load(), nil },
	})
}
