package main

import (
	"crypto/tls"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/internal/config/secrets/secretstest"
	"upppoe/internal/mgmt/servercontrol"
	"upppoe/internal/mgmt/web"
)

// TestWebFiles: the files of the page are read at the start and by a reload; a page that is not on a loopback address and has no
// certificate is warned of.
func TestWebFiles(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(in("token"), []byte("a token of the page\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	secretstest.WriteKeyPair(t, in("cert"), in("key"))
	const warning = "plain HTTP"
	for _, c := range []struct {
		is    web.Config
		wants string // in the log
		warns bool
	}{
		{web.Config{Listen: "127.0.0.1:0"}, "http://127.0.0.1:", false},
		{web.Config{Listen: "0.0.0.0:0", TokenFile: in("token")}, "http://", true},
		{web.Config{Listen: "0.0.0.0:0", TokenFile: in("token"), CertFile: in("cert"), KeyFile: in("key")}, "https://", false},
	} {
		var log strings.Builder
		p, err := openWeb(c.is, nil, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		p.close()
		if !strings.Contains(log.String(), c.wants) || strings.Contains(log.String(), warning) != c.warns {
			t.Errorf("%+v: %s", c.is, &log)
		}
	}
	if _, err := openWeb(web.Config{Listen: "127.0.0.1:0", CertFile: in("cert"), KeyFile: in("token")}, nil, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a key that is none")
	}
	p, err := openWeb(web.Config{Listen: "127.0.0.1:0", CertFile: in("cert"), KeyFile: in("key")}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	p.start(&servercontrol.Program{Server: twoSessions()})
	before := certificateOf(t, p)
	secretstest.WriteKeyPair(t, in("cert2"), in("key")) // the key of another certificate
	if _, err := p.prepare(); err == nil {
		t.Error("a reload with the key of another certificate")
	}
	if certificateOf(t, p) != before {
		t.Error("a reload that failed has changed the certificate")
	}
	secretstest.WriteKeyPair(t, in("cert"), in("key"))
	use, err := p.prepare()
	if err != nil {
		t.Fatal(err)
	}
	use()
	if certificateOf(t, p) == before {
		t.Error("a reload has not changed the certificate")
	}
}

// certificateOf returns the certificate that the page shows.
func certificateOf(t *testing.T, p *webPage) string {
	t.Helper()
	conn, err := tls.Dial("tcp", p.page.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return string(conn.ConnectionState().PeerCertificates[0].Raw)
}
