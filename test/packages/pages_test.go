package packages

import (
	"path/filepath"
	"strings"
	"testing"

	"upppoe/test/pages"
)

// documented are the commands of the pages that are run here.
type documented struct {
	t        *testing.T
	commands []pages.Command
	done     map[pages.Code]bool
}

func readPages(t *testing.T) *documented {
	t.Helper()
	commands, err := pages.Commands(repository, pages.Debian)
	check(t, err)
	return &documented{t, commands, make(map[pages.Code]bool)}
}

// run runs the commands of a page that begin with a text, in a directory of the system.
func (d *documented) run(m *machine, page, begin, dir string) (out string) {
	d.t.Helper()
	found := false
	for _, c := range d.commands {
		if filepath.Base(c.File) == page && strings.HasPrefix(c.Run, begin) {
			found, d.done[c.Code] = true, true
			out = m.run("sh", "-c", "PATH=/usr/local/sbin:$PATH; cd "+dir+"\n"+c.Run)
		}
	}
	if !found {
		d.t.Errorf("%s has no command that begins with %q", page, begin)
	}
	return out
}

// wantAllRun checks that all commands have been run.
func (d *documented) wantAllRun() {
	d.t.Helper()
	for _, c := range d.commands {
		if !d.done[c.Code] {
			d.t.Errorf("%v: is not run", c)
		}
	}
}

// TestPages runs the commands of the pages for Debian and VyOS.
func TestPages(t *testing.T) {
	t.Parallel()
	d := readPages(t)
	near, far := two(t)
	far.install(older, "upppoe-server", "upppoe-discovery")
	configureServer(far)
	d.run(far, "packages.md", "systemctl enable --now pppoe-server", "/")
	d.run(near, "packages.md", "apt install", "/mnt/packages/"+older)
	dialAsUnit(d, near, far)
	serveByPage(d, near, far)
	wantNetworkd(near, far)
	replaceDebians(d, near, far)
	replaceVyOS(d, near, far)
	installTarball(d, near)
	d.wantAllRun()
}

// wantNameServer checks whether the system uses the provider's name server.
func wantNameServer(m *machine, want bool) {
	m.t.Helper()
	text := m.run("cat", "/etc/resolv.conf")
	if strings.Contains(text, "\nnameserver "+nameServer+"\n") != want || strings.Contains(text, "\nnameserver 198.51.100.53\n") == want {
		m.t.Errorf("/etc/resolv.conf is\n%s", text)
	}
}

// dialAsUnit dials by the unit: the provider's name server is used while the session is up.
func dialAsUnit(d *documented, near, far *machine) {
	near.t.Helper()
	near.shell(`printf '# mine\nnameserver 198.51.100.53\n' >/etc/resolv.conf`)
	configureClient(near)
	d.run(near, "packages.md", "systemctl enable --now pppoe-client@isp", "/")
	wantOnline(near, far)
	wantNameServer(near, true)
	near.run("systemctl", "disable", "--now", "pppoe-client@isp")
	wantNameServer(near, false)
	d.run(near, "packages.md", "systemctl start pppoe-client@isp", "/")
	near.run("systemctl", "stop", "pppoe-client@isp")
}

// serveByPage reloads and restarts the server, whose session goes on, and reads the log of a client in the background.
func serveByPage(d *documented, near, far *machine) {
	near.t.Helper()
	near.run("pppoe-client", "call", "isp")
	d.run(far, "packages.md", "systemctl reload", "/")
	d.run(far, "packages.md", "systemctl restart", "/")
	wantOnline(near, far)
	near.run("pppoe-client", "stop", "isp")
	if log := d.run(near, "README.md", "journalctl", "/"); !strings.Contains(log, "remote IP address "+serverAddress) {
		near.t.Errorf("journalctl shows\n%s", log)
	}
}
