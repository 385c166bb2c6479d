package etcdstore

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
)

// Config is how etcd is reached. Endpoints must be set.
type Config struct {
	// Endpoints are addresses of etcd's members: "192.0.2.5:2379", with "https://" for TLS, or the path
	// of a Unix socket after "unix://".
	Endpoints []string
	// CAFile has the certificates, in PEM, that etcd's is verified by; empty: those of the system.
	CAFile string
	// CertFile and KeyFile are this client's certificate and key, in PEM; empty: none.
	CertFile, KeyFile string
	// User logs in to etcd, with the Password that is read for each login; empty and nil: without a login.
	User     string
	Password func() (string, error)
}

// Errors of Config.Check and Dial, wrapped.
var (
	ErrNoEndpoints = errors.New("no endpoints of etcd")
	ErrCertificate = errors.New("a certificate and a key go together")
	ErrPassword    = errors.New("a user and a password go together")
	ErrPlain       = errors.New("a user, or a certificate, needs endpoints that begin with https://")
)

// Check returns what is wrong with the configuration, as far as no file tells.
func (c Config) Check() error {
	switch {
	case len(c.Endpoints) == 0:
		return ErrNoEndpoints
	case (c.CertFile == "") != (c.KeyFile == ""):
		return ErrCertificate
	case (c.User == "") != (c.Password == nil):
		return ErrPassword
	}
	for _, e := range c.Endpoints {
		if local := strings.HasPrefix(e, "unix://"); !c.isPlain() && !local && !strings.HasPrefix(e, "https://") {
			return fmt.Errorf("%s: %w", e, ErrPlain)
		}
	}
	return nil
}

// isPlain reports whether nothing in the configuration must be kept from a listener.
func (c Config) isPlain() bool { return c.User == "" && c.CertFile == "" && c.CAFile == "" }

// Times of the connection. A connection that a firewall blocks is closed, by TCP_USER_TIMEOUT too, so
// that the next one does not wait for TCP's retransmission, which backs off to minutes.
const (
	pingInterval    = 10 * time.Second // etcd closes connections with pings more often than each 5 s
	pingTimeout     = 2 * time.Second
	maxDialInterval = 500 * time.Millisecond
	dialTimeout     = time.Second
)

// Dial returns a client of etcd, at once: the client connects, and logs in, when etcd is there. If etcd refuses the
// login, that is the error of requests.
func Dial(ctx context.Context, c Config) (*clientv3.Client, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	secure, err := c.tls()
	if err != nil {
		return nil, err
	}
	connect := backoff.Config{BaseDelay: maxDialInterval / 5, Multiplier: 1.6, Jitter: 0.2, MaxDelay: maxDialInterval}
	cfg := clientv3.Config{
		Context: ctx, Endpoints: c.Endpoints, TLS: secure,
		DialTimeout: dialTimeout, DialKeepAliveTime: pingInterval, DialKeepAliveTimeout: pingTimeout, PermitWithoutStream: true,
		DialOptions: []grpc.DialOption{grpc.WithConnectParams(grpc.ConnectParams{Backoff: connect, MinConnectTimeout: dialTimeout})},
		Logger:      zap.NewNop(),
	}
	if c.User != "" {
		cfg.DialOptions = append(cfg.DialOptions, newLogin(c.User, c.Password).options()...)
	}
	return clientv3.New(cfg)
}

// tls returns the configuration of TLS; nil: none is used.
func (c Config) tls() (*tls.Config, error) {
	if !strings.HasPrefix(c.Endpoints[0], "https://") {
		return nil, nil
	}
	secure := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, err
		}
		secure.RootCAs = x509.NewCertPool()
		if !secure.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s: no certificates in PEM", c.CAFile)
		}
	}
	if c.CertFile != "" {
		own, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, err
		}
		secure.Certificates = []tls.Certificate{own}
	}
	return secure, nil
}
