package story

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
)

// TestREADME runs the README's commands as they are written: the first server and, in another
// network namespace with its own /etc/ppp, the client that dials it.
func TestREADME(t *testing.T) {
	roottest.Need(t, "bash", "ip", "ping", "unshare", "mount")
	bin := programs(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/proc/self/exe", "-test.run=^TestREADMEOnStage$", "-test.v")
	cmd.Env = append(os.Environ(), storyEnv+"="+bin)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWPID,
		Pdeathsig:  unix.SIGKILL,
	}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestREADMEOnStage") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestREADMEOnStage is run by TestREADME in its namespaces; otherwise it does nothing.
func TestREADMEOnStage(t *testing.T) {
	bin := os.Getenv(storyEnv)
	if bin == "" || os.Getenv("STORY") != "" {
		return
	}
	if err := bindDirs(); err != nil {
		t.Fatal(err)
	}
	os.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	dial, serve := commandBlocks(t, "A first dial"), commandBlocks(t, "A first server")
	if len(dial) != 2 || len(serve) != 1 {
		t.Fatalf("the README has %d blocks of a dial, and %d of a server", len(dial), len(serve))
	}
	// The programs are compiled already.
	first, ok := strings.CutPrefix(dial[0], "CGO_ENABLED=0 go build -o /usr/local/sbin/ ./cmd/...\n")
	if !ok {
		t.Fatalf("the first dial does not begin with the build:\n%s", dial[0])
	}
	mustRun(t, "ip netns add server; ip link set lo up; ip link add eth0 type veth peer name eth1 netns server; ip link set eth0 up; ip -n server link set eth1 up")
	server := exec.Command("ip", "netns", "exec", "server", "unshare", "-m", "bash", "-ec", "mount -t tmpfs none /etc/ppp\n"+serve[0])
	var log strings.Builder
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		server.Process.Signal(unix.SIGTERM)
		server.Wait()
		if t.Failed() {
			t.Logf("the server said\n%s", log.String())
		}
	}()
	for _, step := range []struct{ commands, wants string }{
		{first, "peer 192.0.2.1/32"},
		{"until ping -c 1 -W 1 192.0.2.1; do sleep 0.1; done; ip route show default", "default dev ppp0"},
		{dial[1], "my-isp: online"},
		{"pppoe-client status", "ppp0"}, // the first session still exists
	} {
		if out := mustRun(t, step.commands); !strings.Contains(out, step.wants) {
			t.Fatalf("%s\nprinted\n%s\nwant %q", step.commands, out, step.wants)
		}
	}
	mustRun(t, "pppoe-client stop --all")
}

// mustRun runs commands as a user would type them; they must succeed.
func mustRun(t *testing.T, commands string) string {
	t.Helper()
	out, err := exec.Command("bash", "-ec", commands).CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v\n%s", commands, err, out)
	}
	return string(out)
}

// commandBlocks returns the command blocks of a section of the README.
func commandBlocks(t *testing.T, title string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(root + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## "+title+"\n")
	if !found {
		t.Fatalf("the README has no section %q", title)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	for i, part := range strings.Split(section, "\n```\n") {
		if i%2 == 1 {
			all = append(all, part+"\n")
		}
	}
	return all
}
