package etcdstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

// probeTimeout bounds the attempt to reach one member.
const probeTimeout = time.Second

// Explain returns why no member of etcd can be reached, such as a certificate that is not trusted, if err is only
// that a request has timed out: gRPC does not tell. If a login was refused, it adds whose. Otherwise it returns err.
func (c Config) Explain(ctx context.Context, err error) error {
	if errors.Is(rpctypes.Error(err), rpctypes.ErrAuthFailed) {
		return fmt.Errorf("login of user %q: %w", c.User, err)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	secure, failed := c.tls()
	if failed != nil {
		return failed
	}
	var all error
	for _, e := range c.Endpoints {
		failed := probe(ctx, e, secure)
		if failed == nil {
			return err
		}
		all = errors.Join(all, fmt.Errorf("%s: %w", e, failed))
	}
	return all
}

// probe connects to an endpoint, and closes the connection.
func probe(ctx context.Context, endpoint string, secure *tls.Config) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	network, address := "tcp", endpoint
	if path, local := strings.CutPrefix(endpoint, "unix://"); local {
		network, address = "unix", path
	}
	address = strings.TrimPrefix(strings.TrimPrefix(address, "https://"), "http://")
	dial := (&net.Dialer{}).DialContext
	if secure != nil {
		dial = (&tls.Dialer{Config: secure}).DialContext
	}
	conn, err := dial(ctx, network, address)
	if err == nil {
		conn.Close()
	}
	return err
}
