package daemonize

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
)

// role is the environment variable that makes the test binary a program that goes to the
// background; its value is what the child does.
const role = "UPPPOE_TEST_COPY"

func TestMain(m *testing.M) {
	does := os.Getenv(role)
	switch {
	case does == "":
		os.Exit(m.Run())
	case IsChild():
		os.Exit(children[does]())
	}
	code, err := Launch(Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "launch:", err)
	}
	os.Exit(code)
}

// children are what the child can do. Each reports first that it runs.
var children = map[string]func() int{
	"fails": func() int {
		args := Args()
		fmt.Println("running", len(args), strings.Join(args, "|"))
		return 19
	},
	"ends well": func() int {
		fmt.Println("running")
		return 0
	},
	"kills itself": func() int {
		fmt.Println("running")
		unix.Kill(os.Getpid(), unix.SIGKILL)
		select {}
	},
	"leaves a script behind": func() int {
		script := exec.Command("sleep", "1000")
		if err := script.Start(); err != nil {
			fmt.Println(err)
			return 1
		}
		fmt.Println("running", script.Process.Pid)
		return 19
	},
	"is ready": func() int {
		report := os.NewFile(uintptr(reportTo()), "report")
		fmt.Println("running")
		Ready()
		Ready() // it does nothing any more
		directory, _ := os.Getwd()
		session, _ := unix.Getsid(0)
		fmt.Println("nobody reads this")
		fmt.Fprintln(report, "copy", IsChild(), "in", directory, "leads", session == os.Getpid(), "stdout", target(1))
		report.Close()
		return 0
	},
	"writes elsewhere": func() int {
		fmt.Println("running")
		_, err := os.NewFile(3, "the caller's").WriteString("a line\n")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		return 19
	},
	"waits for a signal": func() int {
		code := make(chan int, 1)
		ctx, stop := ContextUntilSignal(func(s os.Signal) { code <- int(s.(unix.Signal)) })
		defer stop()
		fmt.Println("running")
		<-ctx.Done()
		return <-code
	},
}

// target returns what a descriptor leads to.
func target(fd int) string {
	name, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	return name
}

// reportTo returns a descriptor that stays when standard output is closed: the test's pipe, given
// by its path.
func reportTo() int {
	fd, err := unix.Open(os.Args[1], unix.O_WRONLY, 0)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(99)
	}
	return fd
}

// launched is a program whose child runs in the background.
type launched struct {
	*exec.Cmd
	out    *bufio.Reader
	notify string // the child's first line
}

func launch(t *testing.T, does string, args ...string) *launched {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	l := &launched{Cmd: exec.Command(program, args...)}
	l.Env = append(os.Environ(), role+"="+does)
	l.Stderr = t.Output()
	out, err := l.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	stuck := time.AfterFunc(time.Minute, func() { l.Process.Kill() })
	t.Cleanup(func() { stuck.Stop() })
	l.out = bufio.NewReader(out)
	l.notify, err = l.out.ReadString('\n')
	if err != nil || !strings.HasPrefix(l.notify, "running") {
		t.Fatalf("the child says %q, %v", l.notify, err)
	}
	return l
}

// code waits for a program's end.
func (l *launched) code(t *testing.T) int {
	t.Helper()
	err := l.Wait()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return l.ProcessState.ExitCode()
}

// TestExitCode: the program exits with the child's code.
func TestExitCode(t *testing.T) {
	for does, want := range map[string]int{"fails": 19, "ends well": 0, "kills itself": 1} {
		if got := launch(t, does).code(t); got != want {
			t.Errorf("a child that %s: exit code %d, want %d", does, got, want)
		}
	}
}

// TestGrandchildHoldsNoPipe: a program that the child has started, and that lives on, does not
// keep the parent waiting.
func TestGrandchildHoldsNoPipe(t *testing.T) {
	roottest.NeedPrograms(t, "sleep")
	l := launch(t, "leaves a script behind")
	var script int
	if _, err := fmt.Sscanf(l.notify, "running %d", &script); err != nil {
		t.Fatalf("%q: %v", l.notify, err)
	}
	defer unix.Kill(script, unix.SIGKILL)
	if got := l.code(t); got != 19 {
		t.Errorf("exit code %d, want 19", got)
	}
}

// TestCallersDescriptors: the child inherits what the caller has opened for the program, and what
// it writes there is not taken for being ready.
func TestCallersDescriptors(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := exec.Command(program)
	c.Env = append(os.Environ(), role+"=writes elsewhere")
	c.Stderr, c.ExtraFiles = t.Output(), []*os.File{w}
	c.Run() // its code is checked below
	w.Close()
	text, err := io.ReadAll(r)
	if code := c.ProcessState.ExitCode(); err != nil || string(text) != "a line\n" || code != 19 {
		t.Errorf("%q, %v, and exit code %d; want a line, and 19", text, err, code)
	}
}

func TestArguments(t *testing.T) {
	for _, args := range [][]string{{"call", "my isp"}, {}, {""}, {"", "x", ""}, {strings.Repeat("x", 100_000)}} {
		l := launch(t, "fails", args...)
		if want := fmt.Sprintln("running", len(args), strings.Join(args, "|")); l.notify != want {
			t.Errorf("the child says %q, want %q", l.notify, want)
		}
		l.code(t)
	}
}

// TestReady: the child leaves the terminal, its directory and its session, and the parent exits
// with code 0.
func TestReady(t *testing.T) {
	path := t.TempDir() + "/report"
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	// Opened for reading and writing, it does not wait for a writer.
	report, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer report.Close()
	l := launch(t, "is ready", path)
	line, err := bufio.NewReader(report).ReadString('\n')
	if want := "copy false in / leads true stdout /dev/null\n"; err != nil || line != want {
		t.Errorf("the child says %q, %v; want %q", line, err, want)
	}
	if rest, err := io.ReadAll(l.out); len(rest) > 0 || err != nil {
		t.Errorf("the terminal still gets %q, %v", rest, err)
	}
	if code := l.code(t); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

// TestReadyElsewhere: a process that is not the child keeps its descriptors.
func TestReadyElsewhere(t *testing.T) {
	if IsChild() {
		t.Fatal("the test is taken for the child")
	}
	before := target(1)
	Ready()
	if after := target(1); after != before {
		t.Errorf("standard output led to %s, and leads to %s", before, after)
	}
}
