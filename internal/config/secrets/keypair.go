package secrets

import (
	"crypto/tls"
	"fmt"
	"io/fs"

	"upppoe/internal/config/pppd"
)

// maxPEM is more octets than a certificate with those of its issuers, or a key, has in PEM.
const maxPEM = 1 << 20

// KeyPairFromFiles returns a certificate, with those of its issuers, and its key, in PEM. It is an error if others than
// the owner of the key's file have access to that.
func KeyPairFromFiles(certFile, keyFile string) (*tls.Certificate, error) {
	cert, _, err := pppd.ReadFile(certFile, maxPEM)
	if err != nil {
		return nil, err
	}
	key, openToOthers, err := pppd.ReadFile(keyFile, maxPEM)
	if err == nil && openToOthers {
		err = &fs.PathError{Op: "read", Path: keyFile, Err: openToOthersError(keyFile)}
	}
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		return nil, fmt.Errorf("%s, %s: %w", certFile, keyFile, err)
	}
	return &pair, nil
}
