// Package story runs the stories in testdata: files of commands as a user would type them, with
// their expected output. Each runs in its own namespaces. It needs root and the programs that a
// story names at its head, and takes about a minute.
package story

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/test/guest"
)

// storyEnv is the environment variable that makes a process the init of a story's namespaces; it
// holds the directory of our programs.
const storyEnv = "UPPPOE_STORY"

// root is the root of the module.
const root = "../.."

// removePrograms removes what build has built.
var removePrograms = func() {}

// build compiles our programs, and what a guest needs.
var build = sync.OnceValues(func() (dir string, err error) {
	dir, removePrograms, err = guest.Build(root, "./test/story", "./cmd/pppoe-client", "./cmd/pppoe-server", "./cmd/pppoe-discovery")
	return dir, err
})

func TestMain(m *testing.M) {
	code := m.Run()
	removePrograms()
	os.Exit(code)
}

// programs returns the directory of our programs.
func programs(t *testing.T) string {
	t.Helper()
	dir, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestStories(t *testing.T) {
	roottest.Need(t, "bash", "ip", "ping", "tcpdump")
	bin := programs(t)
	kernels := guest.Kernels{Owner: t, Bin: bin}
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel() // they mostly wait
			roottest.Need(t, requirements(t, file, "programs")...)
			kernels.Run(t, requirements(t, file, "devices of kind"), func(t *testing.T) { runStory(t, bin, file) })
		})
	}
}

// requirements returns what a story says it needs, which few test machines have.
func requirements(t *testing.T, file, what string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^# Needs ` + what + `: (.*)$`).FindSubmatch(text)
	if m == nil {
		return nil
	}
	return strings.Fields(string(m[1]))
}

// runStory runs a story in a new process, the init of new namespaces.
func runStory(t *testing.T, bin, file string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	// Pdeathsig follows the thread that starts the process: it must not end before.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, "/proc/self/exe", "-test.run=^TestOnStage$", "-test.v")
	cmd.Env = append(os.Environ(), storyEnv+"="+bin, "STORY="+file)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWPID,
		Pdeathsig:  unix.SIGKILL,
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)

	}
}

// TestOnStage is run by TestStories in the namespaces; otherwise it does nothing.
func TestOnStage(t *testing.T) {
	bin := os.Getenv(storyEnv)
	if bin == "" {
		return
	}
	if err := bindDirs(); err != nil {
		t.Fatal(err)
	}
	if page, ok := strings.CutPrefix(os.Getenv("STORY"), commandsOf); ok {
		os.Setenv("PATH", bin+":"+os.Getenv("PATH"))
		runCommands(t, page)
		return
	}
	text, err := os.ReadFile(os.Getenv("STORY"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), freeradiusDir) {
		if err := bindCopy(freeradiusDir); err != nil {
			t.Fatal(err)
		}
	}
	os.Setenv("PATH", bin+":"+linkDir+":"+os.Getenv("PATH"))
	runSteps(t, string(text))
}

// linkDir is the directory of other names of our programs, which precede the real ones in the path.
const linkDir = "/usr/local/sbin"

// bindDirs mounts the story's own directories.
func bindDirs() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	for _, dir := range []string{"/etc/ppp", "/etc/upppoe", "/etc/network", linkDir, "/var/lib", "/var/log", "/run"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=0755"); err != nil {
			return fmt.Errorf("mount %s: %w", dir, err)
		}
	}
	return os.Mkdir("/etc/ppp/peers", 0o755)
}

const freeradiusDir = "/etc/freeradius"

// bindCopy mounts a copy of a directory in its place.
func bindCopy(dir string) error {
	const scratch = "/run/copy"
	if out, err := exec.Command("cp", "-a", dir, scratch).CombinedOutput(); err != nil {
		return fmt.Errorf("copy %s: %w: %s", dir, err, out)
	}
	if err := unix.Mount(scratch, dir, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount %s: %w", dir, err)
	}
	return nil
}

// step is a command and its expected output.
type step struct {
	line    int
	command string
	want    []string
}

// parse splits a story into steps.
func parse(text string) (steps []step) {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		switch line := lines[i]; {
		case len(steps) == 0 && !strings.HasPrefix(line, "$ "):
		case strings.HasPrefix(line, "$ "), strings.HasPrefix(line, "& "):
			s := step{line: i + 1, command: line}
			heredoc := strings.Contains(line, "<< 'EOF'")
			for heredoc && lines[i] != "EOF" || strings.HasSuffix(lines[i], `\`) {
				i++
				s.command += "\n" + lines[i]
			}
			steps = append(steps, s)
		default:
			last := &steps[len(steps)-1]
			last.want = append(last.want, line)
		}
	}
	return steps
}

// runSteps runs a story. A command after & runs in the background until "& stop", after which its
// expected output is written.
func runSteps(t *testing.T, text string) {
	var aside *background
	for _, s := range parse(text) {
		kind, command := s.command[:2], s.command[2:]
		switch {
		case s.command == "& stop":
			compare(t, s, aside.stop())
		case kind == "& ":
			aside = startCapture(t, command)
		default:
			compare(t, s, run(t, s, command))
		}
	}
}

// readOnlyCommand matches commands that only show what programs have made, which are repeated for a
// moment: the other side may not be ready, as a client may be online before the server's device is, and
// the kernel shows new IPv6 addresses as tentative at first.
var readOnlyCommand = regexp.MustCompile(`^(cat|grep|tail) |^plog$|\bshow\b|\bping -c|^pppoe-server (sessions|session|pools)\b`)

// repeatTimeout is a multiple of that moment.
const repeatTimeout = 30 * time.Second

// run runs a command, and repeats it if it is a readOnlyCommand whose output differs.
func run(t *testing.T, s step, command string) string {
	t.Helper()
	for end := time.Now().Add(repeatTimeout); ; time.Sleep(10 * time.Millisecond) {
		out, err := shell(command).CombinedOutput()
		if err == nil && s.matches(string(out)) {
			return string(out)
		}
		if !readOnlyCommand.MatchString(command) || strings.Contains(command, "EOF") || time.Now().After(end) {
			if err != nil {
				t.Fatalf("line %d: %s\n%v\n%s", s.line, command, err, out)
			}
			return string(out)
		}
	}
}

// shell returns a command as a user would type it, without sudo: the test is run by root. It plays systemd.
func shell(command string) *exec.Cmd {
	return exec.Command("bash", "-c", "sudo() { \"$@\"; }\n"+systemctl+command)
}

// systemctl starts services as Debian's units do.
const systemctl = `systemctl() {
	[ "$*" = "restart freeradius" ] || { echo "systemctl $*: not played"; return 1; }
	install -d -o freerad -g freerad /run/freeradius /var/log/freeradius/radacct && freeradius
}
`

type background struct {
	cmd *exec.Cmd
	out bytes.Buffer
}

// startCapture starts tcpdump and waits until it listens.
func startCapture(t *testing.T, command string) *background {
	t.Helper()
	b := &background{cmd: exec.Command("bash", "-c", "sudo() { exec \"$@\"; }\n"+command)}
	said, err := b.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	b.cmd.Stdout = &b.out
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	for all := ""; !strings.Contains(all, "listening on"); {
		n, err := said.Read(buf)
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, all)
		}
		all += string(buf[:n])
	}
	return b
}

// captureDelay is how long libpcap may buffer packets: tcpdump would miss the last ones if it ended
// sooner.
const captureDelay = 1500 * time.Millisecond

func (b *background) stop() string {
	<-time.After(captureDelay)
	b.cmd.Process.Signal(unix.SIGINT)
	b.cmd.Wait()
	return b.out.String()
}

// compare compares a command's output with the story.
func compare(t *testing.T, s step, out string) {
	t.Helper()
	if !s.matches(out) {
		t.Fatalf("line %d: %s\nprinted:\n%s\nThe story has:\n%s", s.line, s.command, out, strings.Join(s.want, "\n"))
	}
}

// matches reports whether a command's output is that of the story. A story has no tentative
// addresses.
func (s step) matches(out string) bool {
	want := s.want
	for len(want) > 0 && want[len(want)-1] == "" {
		want = want[:len(want)-1]
	}
	if strings.HasSuffix(s.command, "ip address show") {
		if tentative.MatchString(out) {
			return false
		}
		out = strings.Join(sortByInterface(strings.Split(out, "\n")), "\n")
		want = sortByInterface(want)
	}
	return regexp.MustCompile(`\A` + pattern(want) + `\s*\z`).MatchString(strings.TrimRight(out, "\n") + "\n")
}

var tentative = regexp.MustCompile(`peer .* tentative`)

var stanza = regexp.MustCompile(`^\S+: ([a-z0-9-]+)`)

// sortByInterface sorts the stanzas of `ip address` by interface name: ip sorts them by index,
// which differs between kernels.
func sortByInterface(lines []string) (sorted []string) {
	stanzas, names := map[string][]string{}, []string{}
	name := ""
	for _, line := range lines {
		if m := stanza.FindStringSubmatch(line); m != nil {
			name = m[1]
			names = append(names, name)
		}
		if line != "" {
			stanzas[name] = append(stanzas[name], line)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		sorted = append(sorted, stanzas[name]...)
	}
	return sorted
}

var regexpMark = regexp.MustCompile(`«([^»]*)»`)

// pattern makes a regular expression of a story's lines.
func pattern(lines []string) string {
	var p strings.Builder
	for _, line := range lines {
		if line == "..." {
			p.WriteString(`(?:.*\n)*?`)
			continue
		}
		at := 0
		for _, m := range regexpMark.FindAllStringSubmatchIndex(line, -1) {
			p.WriteString(regexp.QuoteMeta(line[at:m[0]]) + "(?:" + line[m[2]:m[3]] + ")")
			at = m[1]
		}
		p.WriteString(regexp.QuoteMeta(line[at:]) + `\n`)
	}
	return p.String()
}
