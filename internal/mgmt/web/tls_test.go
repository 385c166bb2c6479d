package web

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/internal/config/secrets"
	"upppoe/internal/config/secrets/secretstest"
)

// certificate returns a certificate of 127.0.0.1, signed by itself.
func certificate(t testing.TB) *tls.Certificate {
	t.Helper()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	secretstest.WriteKeyPair(t, cert, key)
	pair, err := secrets.KeyPairFromFiles(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// withTLS configures a certificate, whose files are read by the program.
var withTLS = Config{CertFile: "cert.pem", KeyFile: "key.pem"}

// client returns a client that trusts only a certificate.
func client(c *tls.Certificate) *http.Client {
	trusted := x509.NewCertPool()
	trusted.AddCert(c.Leaf)
	return &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}, DisableKeepAlives: true, ForceAttemptHTTP2: true},
		CheckRedirect: noRedirects.CheckRedirect,
	}
}

// TestTLS: with a certificate the page is served by HTTPS alone, its cookie goes over no other connection, and a reload
// uses the new certificate.
func TestTLS(t *testing.T) {
	s, base, _ := serve(t, withTLS, testToken, newSessions(1))
	form := strings.NewReader("token=" + strings.ReplaceAll(testToken, " ", "+"))
	answer, err := client(s.certificate.Load()).Post(base+"/login", "application/x-www-form-urlencoded", form)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if c := answer.Cookies(); len(c) != 1 || !c[0].Secure || answer.Proto != "HTTP/1.1" {
		t.Errorf("cookies are %v, by %s", c, answer.Proto)
	}
	if plain, text := request(t, "GET", strings.Replace(base, "https", "http", 1), ""); plain.StatusCode != http.StatusBadRequest || !strings.Contains(text, "HTTPS") {
		t.Errorf("plain HTTP: %d, %q", plain.StatusCode, text)
	}
	before := client(s.certificate.Load())
	s.SetSecrets(Secrets{Token: []byte(testToken), Certificate: certificate(t)})
	if _, err := before.Get(base); err == nil {
		t.Error("the old certificate is still used")
	}
	answer, err = client(s.certificate.Load()).Get(base)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if _, err := Open(withTLS, Secrets{}, nil, nil); err == nil {
		t.Error("opened without a certificate")
	}
}
