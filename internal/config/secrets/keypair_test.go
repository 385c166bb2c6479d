package secrets

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/internal/config/secrets/secretstest"
)

// TestKeyPair: a certificate and its key are read; a key that others can read, one of another certificate and files
// without PEM are errors, which name the file and show nothing of the key.
func TestKeyPair(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	secretstest.WriteKeyPair(t, in("cert"), in("key"))
	secretstest.WriteKeyPair(t, in("cert2"), in("key2"))
	if pair, err := KeyPairFromFiles(in("cert"), in("key")); err != nil || len(pair.Certificate) != 1 {
		t.Fatalf("%v, %v", pair, err)
	}
	if err := os.Chmod(in("key2"), 0o640); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ cert, key, want string }{
		{"cert2", "key2", "chmod 600 " + in("key2")},
		{"cert2", "key", "private key does not match public key"},
		{"key", "key", in("key")},
		{"gone", "key", in("gone")},
		{"cert", "gone", in("gone")},
		{"cert", ".", dir},
	} {
		_, err := KeyPairFromFiles(in(c.cert), in(c.key))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "BEGIN") {
			t.Errorf("%s, %s: %v, want %q", c.cert, c.key, err, c.want)
		}
	}
}
