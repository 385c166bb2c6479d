package failover

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority issues certificates, into files NAME.pem and NAME-key.pem of a directory.
type authority struct {
	t    testing.TB
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB, dir string) *authority {
	a := &authority{t: t, dir: dir}
	a.cert, a.key = a.issue("ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// issue issues a certificate; the first is the authority's own.
func (a *authority) issue(name string, c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(a.t, err)
	c.SerialNumber, c.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: name}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, by := a.cert, a.key
	if parent == nil {
		parent, by = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, by)
	check(a.t, err)
	secret, err := x509.MarshalECPrivateKey(key)
	check(a.t, err)
	a.write(name+".pem", "CERTIFICATE", der)
	a.write(name+"-key.pem", "EC PRIVATE KEY", secret)
	is, err := x509.ParseCertificate(der)
	check(a.t, err)
	return is, key
}

func (a *authority) write(name, kind string, der []byte) {
	a.t.Helper()
	check(a.t, os.WriteFile(a.file(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

// secureEtcd starts etcd with TLS, which wants certificates of its clients, and accounts: the user bng may read
// and write the cluster's keys only.
func (w *testbed) secureEtcd(password string) *authority {
	w.t.Helper()
	a := newAuthority(w.t, w.dir)
	usage := x509.KeyUsageDigitalSignature
	// etcd's JSON gateway is a client, too, with the server's certificate.
	both := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	a.issue("etcd", &x509.Certificate{KeyUsage: usage, ExtKeyUsage: both, IPAddresses: []net.IP{net.IPv4(10, 9, 0, 1)}})
	a.issue("bng", &x509.Certificate{KeyUsage: usage, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	w.launchSecureEtcd(a)
	encoded := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	for _, step := range [][2]string{
		{"auth/user/add", `{"name": "root", "password": "` + password + `"}`}, {"auth/role/add", `{"name": "root"}`}, {"auth/user/grant", `{"user": "root", "role": "root"}`},
		{"auth/user/add", `{"name": "bng", "password": "` + password + `"}`}, {"auth/role/add", `{"name": "cluster"}`}, {"auth/user/grant", `{"user": "bng", "role": "cluster"}`},
		{"auth/role/grant", `{"name": "cluster", "perm": {"permType": "READWRITE", "key": "` + encoded("/upppoe/") + `", "range_end": "` + encoded("/upppoe0") + `"}}`},
		{"auth/enable", `{}`},
	} {
		w.askEtcd("https://10.9.0.1:2379/v3/"+step[0], step[1], a.clientConfig())
	}
	return a
}

func (w *testbed) launchSecureEtcd(a *authority) {
	w.t.Helper()
	w.launchEtcd("https", "--cert-file", a.file("etcd.pem"), "--key-file", a.file("etcd-key.pem"), "--trusted-ca-file", a.file("ca.pem"), "--client-cert-auth")
}

func (a *authority) clientConfig() *tls.Config {
	a.t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	own, err := tls.LoadX509KeyPair(a.file("bng.pem"), a.file("bng-key.pem"))
	check(a.t, err)
	return &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{own}}
}

// askEtcd makes a request to etcd's JSON gateway.
func (w *testbed) askEtcd(url, body string, secure *tls.Config) {
	w.t.Helper()
	dial := func(_ context.Context, network, address string) (conn net.Conn, err error) {
		err = w.core.Do(func() (err error) { conn, err = net.Dial(network, address); return err })
		return conn, err
	}
	client := http.Client{Transport: &http.Transport{DialContext: dial, TLSClientConfig: secure}}
	defer client.CloseIdleConnections()
	answer, err := client.Post(url, "application/json", strings.NewReader(body))
	check(w.t, err)
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusOK {
		w.t.Fatalf("%s: %s, %v: %s", url, answer.Status, err, bytes.TrimSpace(text))
	}
}

// TestSecureEtcd: with TLS and accounts in etcd, a server is taken over as without; one with another password,
// or that does not trust etcd's certificate, waits, and says why without the password.
func TestSecureEtcd(t *testing.T) {
	t.Parallel() // it mostly waits
	const password = "not for logs"
	w := newTestbed(t, 64, "auto", withoutEtcd)
	a := w.secureEtcd(password)
	active, other := w.servers["a"], w.servers["b"]
	check(t, os.WriteFile(a.file("password"), []byte(password+"\n"), 0o600))
	check(t, os.WriteFile(a.file("wrong"), []byte("something else\n"), 0o600))
	for _, s := range w.servers {
		w.secure(s, a, a.file("ca.pem"), a.file("password"))
	}
	w.start(active)
	w.awaitActive(active, 1)
	w.start(other)
	w.dial()
	w.awaitAdoptable(active, 1)
	w.kill(active)
	w.awaitActive(other, 1)
	check(t, other.program.Await("Adopted 1 sessions"))
	for want, files := range map[string][2]string{"authentication failed": {"ca.pem", "wrong"}, "certificate": {"bng.pem", "password"}} {
		w.secure(active, a, a.file(files[0]), a.file(files[1]))
		p := w.launch(active.ns, exec.Command(filepath.Join(bin, "pppoe-server"), "--config", active.config))
		check(t, p.Await("waiting for etcd: .*"+want))
		if strings.Contains(p.Log(), password) || strings.Contains(p.Log(), "something else") {
			t.Errorf("a password is in the log:\n%s", p.Log())
		}
		p.Kill()
	}
}

// secure makes a server's configuration one with TLS and a login, without a script.
func (w *testbed) secure(s *server, a *authority, ca, password string) {
	w.t.Helper()
	text, err := os.ReadFile(s.config)
	check(w.t, err)
	before, _, _ := strings.Cut(string(text), "etcd = [")
	check(w.t, os.WriteFile(s.config, fmt.Appendf([]byte(before), "etcd = [\"https://10.9.0.1:2379\"]\nca-file = %q\ncert-file = %q\nkey-file = %q\nuser = \"bng\"\npassword-file = %q\n", ca, a.file("bng.pem"), a.file("bng-key.pem"), password), 0o600))
}
