package freeradius

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/internal/roottest"
)

// installed is where Debian has FreeRADIUS's configuration.
const installed = "/etc/freeradius/3.0"

// TestPage: The additions of the page about a first BNG to the installed configuration of FreeRADIUS let its user log in by each
// method.
func TestPage(t *testing.T) {
	roottest.NeedPrograms(t, Program, "radclient")
	page, err := os.ReadFile("../../.github/docs/first-bng.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "raddb")
	if out, err := exec.Command("cp", "-a", installed, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	change := func(name string, with func(before string) string) {
		t.Helper()
		path := filepath.Join(dir, name)
		before, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(with(string(before))), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	change("radiusd.conf", func(before string) string { // as root, who may read the directory
		return strings.NewReplacer(installed, dir, "user = freerad", "", "group = freerad", "").Replace(before)
	})
	additions := strings.Split(string(page), "```\n# "+installed+"/")[1:]
	for _, addition := range additions {
		text, _, _ := strings.Cut(addition, "\n```")
		head, text, _ := strings.Cut(text, "\n")
		name, _, _ := strings.Cut(head, ":")
		change(name, func(before string) string { return text + "\n" + before })
	}
	if err := os.Remove(filepath.Join(dir, "sites-enabled/default")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../sites-available/pppoe", filepath.Join(dir, "sites-enabled/pppoe")); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(Program, "-C", "-d", dir).CombinedOutput(); err != nil || len(additions) != 3 {
		t.Fatalf("%d additions, %v:\n%s", len(additions), err, out)
	}
	auth, acct, err := freePorts()
	if err != nil {
		t.Fatal(err)
	}
	change("sites-available/pppoe", func(before string) string {
		return strings.NewReplacer("ipaddr = *", "ipaddr = 127.0.0.1", "= 1812", fmt.Sprint("= ", auth), "= 1813", fmt.Sprint("= ", acct)).Replace(before)
	})
	s := &Server{dir: dir, launch: (*exec.Cmd).Start}
	t.Cleanup(s.Stop)
	s.Run(t)
	for _, method := range []string{"User", "CHAP", "MS-CHAP"} {
		login := exec.Command("radclient", "-x", fmt.Sprint("127.0.0.1:", auth), "auth", "testing123") // the installed client of this host
		login.Stdin = strings.NewReader(`User-Name = "alice", Framed-Protocol = PPP, ` + method + `-Password = "her password", Message-Authenticator = 0x00`)
		out, err := login.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "Framed-IP-Address = 198.51.100.10") {
			t.Errorf("%s: %v\n%s", method, err, out)
		}
	}
}
