package life

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/test/lab"
)

// pageOf returns a client of the page in a namespace, where it is on port 8080 of the loopback interface.
// Each request has a connection of its own.
func pageOf(n *lab.Namespace) *http.Client {
	return &http.Client{Timeout: timeout, Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (conn net.Conn, err error) {
		err = n.Do(func() (err error) { conn, err = net.Dial("tcp", "127.0.0.1:8080"); return err })
		return conn, err
	}}}
}

// get requests a path of the page, with a token if there is one.
func get(t *testing.T, c *http.Client, path, token string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequest("GET", "http://127.0.0.1:8080"+path, nil)
	check(t, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := c.Do(r)
	check(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	check(t, err)
	return answer.StatusCode, string(body)
}

// TestPage: a server with a page shows its sessions to those with the token, which a reload replaces; after
// an upgrade only the successor answers.
func TestPage(t *testing.T) {
	w := newSharedTestbed(t)
	w.serverOptions(t, "require-chap\n")
	token := filepath.Join(t.TempDir(), "token")
	check(t, os.WriteFile(token, []byte("the first token of the page\n"), 0o600))
	server := w.serveUpgradable(t, "--device", "shared", "-N", "32", "--web", ":8080", "--web-control", "--web-token-file", token)
	check(t, server.Await(`Serving a page on http://127\.0\.0\.1:8080/`))
	page := pageOf(w.server)
	w.dialAs(t, w.client, "alice", "is online", isOnline)
	if status, text := get(t, page, "/api/sessions", "the first token of the page"); status != 200 || !strings.Contains(text, `"alice"`) {
		t.Errorf("sessions: %d %s", status, text)
	}
	if status, _ := get(t, page, "/api/sessions", ""); status != 401 {
		t.Errorf("without the token: %d", status)
	}
	check(t, os.WriteFile(token, []byte("short\n"), 0o600))
	if text, code := server.command(t, "reload"); code == 0 || !strings.Contains(text, "16 are needed") {
		t.Errorf("a reload with a short token: %d %s", code, text)
	}
	check(t, os.WriteFile(token, []byte("the second token of the page\n"), 0o600))
	if text, code := server.command(t, "reload"); code != 0 {
		t.Errorf("reload: %d %s", code, text)
	}
	if status, _ := get(t, page, "/api/sessions", "the first token of the page"); status != 401 {
		t.Errorf("with the old token: %d", status)
	}
	if text, code := server.command(t, "upgrade"); code != 0 {
		t.Fatalf("upgrade: %d, %s", code, text)
	}
	pid := fmt.Sprintf(`"pid":%d,`, server.pid(t))
	for range 50 {
		if status, text := get(t, page, "/api/overview", "the second token of the page"); status != 200 || !strings.Contains(text, pid) || !strings.Contains(text, `"online":1,`) {
			t.Fatalf("after the upgrade to %s: %d %s", pid, status, text)
		}
	}
}

// TestPageRefused: a page for others than users of the machine needs a token, in a file that is nobody
// else's.
func TestPageRefused(t *testing.T) {
	w := newTestbed(t)
	open := filepath.Join(t.TempDir(), "token")
	check(t, os.WriteFile(open, []byte("a token that all can read\n"), 0o644))
	for args, want := range map[string]string{
		"--web 192.0.2.1:8080":                                 "--web: 192.0.2.1:8080 can be reached from other machines, and there is no token-file",
		"--web 127.0.0.1:8080 --web-token-file " + open:        "chmod 600 " + open,
		"--web 127.0.0.1:8080 --web-token-file /nonexistent/x": "/nonexistent/x",
		"--web 8080": `--web: "8080": give`,
	} {
		args := append([]string{"-I", "eth0", "-F", "--etc", w.serverEtc}, strings.Fields(args)...)
		p := launch(t, w.server, exec.Command(filepath.Join(bin, "pppoe-server"), args...))
		if code, err := p.Wait(); err != nil || code == 0 || !strings.Contains(p.Log(), want) {
			t.Errorf("%s: %d, %v, %s", args, code, err, p.Log())
		}
	}
}
