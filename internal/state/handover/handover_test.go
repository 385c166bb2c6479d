package handover

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/process/passfd"
)

// modeEnv makes the test's program a successor that behaves in some way.
const modeEnv = "UPPPOE_TEST_SUCCESSOR"

func TestMain(m *testing.M) {
	if mode := os.Getenv(modeEnv); mode != "" {
		os.Exit(succeed(mode))
	}
	os.Exit(m.Run())
}

// succeed is the program of the successor.
func succeed(mode string) int {
	if mode == "exit" {
		fmt.Fprintln(os.Stderr, "no\x1b such option")
		return 3
	}
	if mode == "hang" {
		unix.Pause()
	}
	s, err := Inherit()
	if err != nil || s == nil {
		fmt.Fprintln(os.Stderr, s, err)
		return 1
	}
	self := Identity{Build: "new", Formats: map[string]int{"store": 2}}
	if mode == "other version" {
		s.peer.receive()
		s.peer.send(message{Kind: kindHello, Version: version + 1, Self: self})
		s.peer.receive()
		return 0
	}
	files, err := s.Hello(self)
	if err != nil {
		return 1
	}
	switch mode {
	case "fail":
		s.Fail(errors.New("server.toml: line 3: no such key"))
		return 2
	case "hang before ready":
		unix.Pause()
	}
	more, _, err := s.Ready()
	if err != nil {
		return 1
	}
	files.Move(more)
	switch mode {
	case "die after go":
		return 9
	case "hang after go":
		unix.Pause()
	}
	for _, f := range files.Take("pipe") {
		f.WriteString("written by the successor")
	}
	s.Taken(Taken{Sessions: files.Len()})
	if mode == "die after taken" {
		return 9
	}
	s.Carries()
	s.WaitReleased(0)
	return 7
}

// replacement returns one whose successor behaves in some way.
func replacement(t *testing.T, mode string) *Replacement {
	t.Helper()
	program, err := ThisProgram([]string{"-test.run", "none"})
	if err != nil {
		t.Fatal(err)
	}
	return &Replacement{
		Program: program, Env: append(os.Environ(), modeEnv+"="+mode), Files: &Files{},
		Self:     Identity{Build: "old", Formats: map[string]int{"store": 1}},
		Suspend:  func() (*Files, error) { return nil, nil },
		Timeouts: Timeouts{Hello: 10 * time.Second, Ready: 10 * time.Second, Taken: 10 * time.Second},
	}
}

// TestHandOver: descriptors, more of them than a message has, arrive under their names, and are those of
// the predecessor.
func TestHandOver(t *testing.T) {
	r := replacement(t, "take")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Files.Add("pipe", write)
	defer r.Files.Close()
	const others = 2*passfd.MaxFiles + 1
	var steps []string
	finished := false
	r.Finish = func() { finished = len(steps) == 3 } // the successor is ready
	r.Suspend = func() (*Files, error) {
		if !finished {
			return nil, errors.New("nothing was finished before")
		}
		more := &Files{}
		for i := range others {
			f, err := os.Open(os.DevNull)
			if err != nil {
				return nil, err
			}
			more.Add(fmt.Sprintf("device %d", i/2), f)
		}
		return more, nil
	}
	r.Progress = func(text string) { steps = append(steps, text) }
	done, err := r.Run()
	if err != nil {
		t.Fatal(err)
	}
	if done.Sessions != others || done.Pause <= 0 || len(steps) != 3 {
		t.Errorf("%+v after %q, want %d sessions", done, steps, others)
	}
	if err := done.AwaitCarried(); err != nil {
		t.Errorf("it does not carry: %v", err)
	}
	done.Release()
	if code := done.Wait(); code != 7 {
		t.Errorf("exit code %d", code)
	}
	r.Files.Close()
	if text, err := io.ReadAll(read); err != nil || string(text) != "written by the successor" {
		t.Errorf("read %q, %v", text, err)
	}
}

// TestFailures: a successor that does not take over, at any step, is gone when Run returns, and the error
// says why.
func TestFailures(t *testing.T) {
	for _, c := range []struct {
		mode, why string
		change    func(*Replacement)
		suspended bool
	}{
		{"exit", "exit status 3): no? such option", nil, false},
		{"hang", "did not say hello", func(r *Replacement) { r.Timeouts.Hello = 50 * time.Millisecond }, false},
		{"other version", "restart the service", nil, false},
		{"take", `version 3 of the format "store", of which new reads up to 2`, func(r *Replacement) { r.Self.Formats["store"] = 3 }, false},
		{"fail", "server.toml: line 3", nil, false},
		{"hang before ready", "did not say ready", func(r *Replacement) { r.Timeouts.Ready = 50 * time.Millisecond }, false},
		{"die after go", "exit status 9", nil, true},
		{"hang after go", "did not say taken", func(r *Replacement) { r.Timeouts.Taken = 50 * time.Millisecond }, true},
		{"take", "cannot suspend", func(r *Replacement) { r.Suspend = func() (*Files, error) { return nil, errors.New("cannot suspend") } }, false},
		{"take", "no such file", func(r *Replacement) { r.Path = "/nonexistent" }, false},
	} {
		r := replacement(t, c.mode)
		suspended := false
		r.Suspend = func() (*Files, error) { suspended = true; return nil, nil }
		if c.change != nil {
			c.change(r)
		}
		_, err := r.Run()
		if !errors.Is(err, ErrUpgrade) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, want %q", c.mode, err, c.why)
		}
		if suspended != c.suspended {
			t.Errorf("%s: suspended: %v", c.mode, suspended)
		}
		var status unix.WaitStatus
		if pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil); err != unix.ECHILD {
			t.Errorf("%s: there is still a child: %d, %v", c.mode, pid, err)
		}
	}
}

// TestDeathAfterTaken: a successor that ends once it has taken over is reported to its predecessor, which waits no
// longer.
func TestDeathAfterTaken(t *testing.T) {
	done, err := replacement(t, "die after taken").Run()
	if err != nil {
		t.Fatal(err)
	}
	if err := done.AwaitCarried(); !errors.Is(err, io.EOF) {
		t.Errorf("it carries: %v", err)
	}
	done.Release()
	if code := done.Wait(); code != 9 {
		t.Errorf("exit code %d", code)
	}
}

// TestFrames: frames arrive whole, in order, with the names of their listeners, until the sender closes.
func TestFrames(t *testing.T) {
	sender, theirs, err := NewFrameSender()
	if err != nil {
		t.Fatal(err)
	}
	const frames = 5000 // more than the socket has room for
	go func() {
		defer sender.Close()
		sender.Send(strings.Repeat("x", maxName+1), nil) // dropped
		for i := range frames {
			sender.Send(fmt.Sprintf("eth%d", i%3), bytes.Repeat([]byte{byte(i)}, 14+i%1500))
		}
	}()
	i := 0
	err = ReceiveFrames(theirs, func(listener string, frame []byte) {
		if listener != fmt.Sprintf("eth%d", i%3) || !bytes.Equal(frame, bytes.Repeat([]byte{byte(i)}, 14+i%1500)) {
			t.Errorf("frame %d is %x of %s", i, frame, listener)
		}
		i++
	})
	if err != nil || i != frames {
		t.Errorf("%d frames, %v", i, err)
	}
	cut, theirs, err := NewFrameSender()
	if err != nil {
		t.Fatal(err)
	}
	defer cut.Close()
	passfd.Send(cut.conn, []byte{9, 'e'})
	if err := ReceiveFrames(theirs, func(string, []byte) {}); !errors.Is(err, errMessage) {
		t.Errorf("a packet that is cut off: %v", err)
	}
	cut.Send("eth0", make([]byte, 60)) // the successor has ended
}

// pair returns a successor, and its predecessor's end.
func pair(t *testing.T) (*Successor, *peer) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	var ends [2]*peer
	for i, fd := range fds {
		if ends[i], err = newPeer(os.NewFile(uintptr(fd), "pair")); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(ends[i].close)
	}
	return &Successor{ends[0]}, ends[1]
}

// TestPredecessorKilled: before the successor is ready it must end; afterwards it takes over.
func TestPredecessorKilled(t *testing.T) {
	s, p := pair(t)
	p.close()
	if _, err := s.Hello(Identity{}); !errors.Is(err, ErrPredecessorLost) {
		t.Errorf("before hello: %v", err)
	}
	s, p = pair(t)
	go func() {
		p.send(message{Kind: kindHello, Version: version})
		p.receive()
		p.send(message{Kind: kindPrepare})
		p.receive() // ready
		p.send(message{Kind: kindFiles, Names: []string{"null"}}, os.Stdin)
		p.close()
	}()
	if _, err := s.Hello(Identity{}); err != nil {
		t.Fatal(err)
	}
	files, killed, err := s.Ready()
	if err != nil || !killed || files.Len() != 0 {
		t.Errorf("%d files, killed %v, %v", files.Len(), killed, err)
	}
}

// TestMessages: what is no message, or comes out of turn, is an error, and its descriptors are closed.
func TestMessages(t *testing.T) {
	for _, b := range []string{"", "{", "[]", `{"kind":7}`, `{"kind":"files","names":["a"]}`, `{"kind":"go"}`} {
		s, p := pair(t)
		if _, err := p.conn.Write([]byte(b)); err != nil {
			t.Fatal(err)
		}
		p.conn.CloseWrite()
		if _, err := s.Hello(Identity{}); err == nil {
			t.Errorf("%q: no error", b)
		}
	}
	s, p := pair(t)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.send(message{Kind: kindHello, Version: version})
	p.send(message{Kind: kindFiles, Names: []string{"pipe"}}, write)
	p.send(message{Kind: kindTaken})
	write.Close()
	if _, err := s.Hello(Identity{}); !errors.Is(err, errMessage) {
		t.Errorf("taken in place of prepare: %v", err)
	}
	if _, err := io.ReadAll(read); err != nil {
		t.Error(err)
	}
}

// TestEnvironment: what is of the process alone is not passed on.
func TestEnvironment(t *testing.T) {
	got := environment([]string{"PATH=/bin", "LISTEN_FDS=3", "LISTEN_PID=1", "LISTEN_FDNAMES=a:b:c", "WATCHDOG_PID=1", "NOTIFY_SOCKET=/run/n", socketEnv + "=3"})
	if want := []string{"PATH=/bin", "NOTIFY_SOCKET=/run/n"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestThisProgram: the path is that by which the program was started, also after another file has taken
// its place.
func TestThisProgram(t *testing.T) {
	p, err := ThisProgram([]string{"-F"})
	if err != nil || !isSameFile(p.Path, "/proc/self/exe") || !slices.Equal(p.Args, []string{"-F"}) {
		t.Errorf("%+v, %v", p, err)
	}
	dir := t.TempDir()
	link := dir + "/program"
	if err := os.Symlink(p.Path, link); err != nil {
		t.Fatal(err)
	}
	args := os.Args
	defer func() { os.Args = args }()
	for _, c := range []struct{ name, want string }{{link, link}, {"/bin/true", p.Path}, {"no-such-program-anywhere", p.Path}} {
		os.Args = []string{c.name}
		if p, err := ThisProgram(nil); err != nil || p.Path != c.want {
			t.Errorf("started as %s: %q, %v, want %s", c.name, p.Path, err, c.want)
		}
	}
}

// TestFiles: files are taken once, and what is left is closed.
func TestFiles(t *testing.T) {
	var f Files
	for range 3 {
		null, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		f.Add("null", null)
	}
	c, err := f.Clone()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(f.Take("null")); n != 3 || f.Len() != 0 || f.Take("null") != nil {
		t.Errorf("took %d, %d are left", n, f.Len())
	}
	f.Move(c)
	if f.Len() != 3 || c.Len() != 0 || !slices.Equal(f.Names(), []string{"null"}) {
		t.Errorf("moved: %d and %d", f.Len(), c.Len())
	}
	left := f.by["null"][0]
	if err := f.Close(); err != nil || f.Len() != 0 {
		t.Error(err)
	}
	if _, err := left.Stat(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a file that was left is open: %v", err)
	}
	var none *Files
	if none.Take("x") != nil || none.Len() != 0 || none.Close() != nil || none.Names() != nil {
		t.Error("nil is not empty")
	}
}
