package scripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestInterpreter: what the first line names, of which the kernel reads 256 octets.
func TestInterpreter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "script")
	long := "/" + strings.Repeat("x", 252)
	for text, want := range map[string]string{
		"#!/bin/sh\necho\n": "/bin/sh", "#!/bin/sh": "/bin/sh", "#!/bin/sh -e\n": "/bin/sh", "#! \t /bin/sh -e x\n": "/bin/sh", "#!/bin/sh\r\n": "/bin/sh\r",
		"#!": "", "#!\n": "", "#/bin/sh\n": "none", "/bin/sh\n": "none", "": "none", "\n#!/bin/sh\n": "none",
		"#!" + long + "\n": long, "#!" + long + "y": long + "y", "#!" + long + "yz": long + "y",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, found := interpreterOf(path)
		if want == "none" && found || want != "none" && (!found || string(got) != want) {
			t.Errorf("%.40q: %.40q, %v; want %.40q", text, got, found, want)
		}
	}
	if _, found := interpreterOf(path + "2"); found {
		t.Error("a nonexistent file names an interpreter")
	}
}

// TestUmask: nobody else can read what scripts write, whether the thread has a umask of its own or
// the process's is changed, which is restored then.
func TestUmask(t *testing.T) {
	before := unix.Umask(0o022)
	defer unix.Umask(before)
	for name, begin := range map[string]func(*exec.Cmd) error{"a thread's": start, "the process's": startShared} {
		p := newTestDir(t)
		p.add(t, IPUp, `umask >%[1]s/umask`)
		cmd := exec.Command(filepath.Join(p.dir, IPUp))
		if err := begin(cmd); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		if got := strings.TrimSpace(p.read(t, "umask")); got != "0077" {
			t.Errorf("%s umask is %s, want 0077", name, got)
		}
		if now := unix.Umask(0o022); now != 0o022 {
			t.Errorf("%s: then the umask is %04o, want 0022", name, now)
		}
	}
}

// TestStartErrors: the message names what is wrong with a script, where the kernel reports only
// that there is no such file.
func TestStartErrors(t *testing.T) {
	for text, want := range map[string]string{
		"#!/bin/sh\r\necho\r\n":     `its lines end with CR LF, as on Windows, so that the kernel looks for an interpreter "/bin/sh\r": sed -i 's/\r$//' `,
		"#! /bin/sh -e\r\necho\r\n": "", // it runs, and the shell rejects its option
		"#!/no/such/program -x\n":   `its interpreter "/no/such/program" does not exist`,
		"echo of no interpreter\n":  "its first line names no interpreter: it should be #!/bin/sh",
		"":                          "its first line names no interpreter: it should be #!/bin/sh",
		"#!/bin/sh\nexit 0\n":       "",
		"#!  \t/no/such/program\n":  `its interpreter "/no/such/program" does not exist`,
	} {
		p := newTestDir(t)
		path := filepath.Join(p.dir, IPUp)
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		s := p.scripts(nil)
		s.Notify(info, withIPv4("192.0.2.10"))
		s.Close()
		log := p.log.String()
		if want == "" && strings.Contains(log, "Can't execute") || want != "" && !strings.Contains(unquoted(log), "Can't execute "+path+": "+want) {
			t.Errorf("%.20q: the log is %s, want %q", text, log, want)
		}
	}
}

// unquoted reverses the quoting of slog's handler.
func unquoted(log string) string {
	_, after, _ := strings.Cut(log, "msg=")
	text, err := strconv.QuotedPrefix(after)
	if err != nil {
		return log
	}
	text, _ = strconv.Unquote(text)
	return text
}
